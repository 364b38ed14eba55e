package config

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

func TestSettingsPageIsFresh(t *testing.T) {
	var b strings.Builder
	if err := WriteDocs(&b); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != b.String() {
		t.Error("docs/settings.md is stale; run: go run ./cmd/internal/config/gen")
	}
}

// The settings themselves: every one is explained, and no two share a name.
func TestSettings(t *testing.T) {
	flags, keys, envs := map[string]string{}, map[string]bool{}, map[string]string{}
	for _, s := range Settings() {
		where := strings.TrimSpace(s.Scope().Heading() + " " + s.Key)
		if s.Doc == "" || !strings.HasSuffix(s.Doc, ".") {
			t.Errorf("%s: the explanation is not a sentence: %q", where, s.Doc)
		}
		if s.Kind == schema.Choice && len(s.Choices) == 0 {
			t.Errorf("%s has no choices", where)
		}
		for _, f := range s.FlagNames() {
			if other, taken := flags[f]; taken {
				t.Errorf("--%s is the flag of %s and of %s", f, other, where)
			}
			flags[f] = where
		}
		if n := s.EnvName(); n != "" {
			if other, taken := envs[n]; taken {
				t.Errorf("%s is the variable of %s and of %s", n, other, where)
			}
			envs[n] = where
		}
		if keys[where] && s.Scope().Key != "command" {
			t.Errorf("duplicate setting %s", where)
		}
		keys[where] = true
		if s.Scope().Key == "app" && len(s.FlagNames()) == 0 && !slices.Contains([]string{"name", "module", "user", "group", "groups"}, s.Key) {
			t.Errorf("%s has no flag", where)
		}
	}
}

// Every fragment explains a setting that there is.
func TestFragments(t *testing.T) {
	files, err := fragments.ReadDir("texts")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".md")
		if name == "head" {
			continue
		}
		text, err := fragments.ReadFile("texts/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		var known []string
		for _, s := range Settings() {
			if key := s.Scope().Key; key == name || key == "" && name == "top" {
				known = append(known, s.Key)
			}
		}
		for line := range strings.Lines(string(text)) {
			if key, ok := strings.CutPrefix(line, "## "); ok && !slices.Contains(known, strings.TrimSpace(key)) {
				t.Errorf("%s explains %s, which is not a setting there", f.Name(), strings.TrimSpace(key))
			}
		}
	}
}

// A default is written as a user would write it, and shown as it is written.
func TestDefaultsCanBeRead(t *testing.T) {
	for _, s := range Settings() {
		if s.Default == "" {
			continue
		}
		v, row := product().NewValues(nil, nil, "/"), s.Scope().New()
		v.Apply(row, "", []schema.Given{{Setting: s, In: schema.Input{Values: []string{s.Default}}}})
		if len(v.Problems) > 0 {
			t.Errorf("%s: %v", s.FileKey(), v.Problems)
		}
		if v, ok := s.Value(row); ok && v != s.Default && s.Key != "trusted_proxies" {
			t.Errorf("%s: %q is shown as %q", s.FileKey(), s.Default, v)
		}
	}
}

func TestEffective(t *testing.T) {
	p := newProject(t)
	p.write("vars", "A=file\nSECRET_KEY=s3cret\n")
	p.toml("[[app]]\nname = \"shop\"\nmodule = \"shop\"\nenv_file = [\"vars\"]\nenv = { B = \"toml\" }\n")
	p.flag("env", "A=flag,with,commas")
	cfg, src := p.load()
	got := map[string]schema.Effective{}
	for _, e := range cfg.Effective(src) {
		if _, again := got[e.Key]; again {
			t.Errorf("duplicate key %s", e.Key)
		}
		got[e.Key] = e
		if strings.Contains(e.Value, "s3cret") {
			t.Errorf("the secret is shown: %+v", e)
		}
	}
	for key, want := range map[string][2]string{
		"app.shop.env.A":          {"flag,with,commas", "flag --env"},
		"app.shop.env.B":          {"toml", "standpipe.toml:5"},
		"app.shop.env.SECRET_KEY": {mask, p.dir + "/vars:2"},
		"app.shop.module":         {"shop", "standpipe.toml:3"},
		"app.shop.workers":        {"4", "4 cpus"},
		"limits.max_body":         {"100MiB", "default"},
		"listen.0.address":        {"127.0.0.1:8000", "default"},
		"stop.graceful_timeout":   {"23s", "stop_timeout - shutdown_delay - term_grace"},
	} {
		if e := got[key]; e.Value != want[0] || e.Source != want[1] {
			t.Errorf("%s = %+v, want %q", key, e, want)
		}
	}
}
