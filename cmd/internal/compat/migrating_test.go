package compat

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/cmd/internal/config"
)

var update = flag.Bool("update", false, "write the table of docs/migrating.md")

const migratingPage = "../../../docs/migrating.md"

// The table of docs/migrating.md is generated from gunicorn.txt.
func TestMigratingTable(t *testing.T) {
	text, err := os.ReadFile(migratingPage)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| gunicorn | flag | | standpipe |\n| --- | --- | --- | --- |\n")
	for _, g := range gunicorn() {
		var flags []string
		for _, f := range g.Flags {
			flags = append(flags, "`"+f+"`")
		}
		say := g.Message
		if say == "" {
			say = "the same"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", g.Name, strings.Join(flags, ", "), g.State, strings.ReplaceAll(say, "|", "\\|"))
	}
	const begin = "<!-- gunicorn -->\n"
	before, rest, ok := strings.Cut(string(text), begin)
	inside, after, ok2 := strings.Cut(rest, "<!-- end -->")
	switch {
	case !ok || !ok2:
		t.Fatal("docs/migrating.md has no table for gunicorn")
	case *update:
		if err := os.WriteFile(migratingPage, []byte(before+begin+b.String()+"<!-- end -->"+after), 0o644); err != nil {
			t.Fatal(err)
		}
	case inside != b.String():
		t.Error("the table of docs/migrating.md is stale; run: go test ./cmd/internal/compat -update")
	}
}

// Every setting of gunicorn is in the table, with its flags; standpipe has each flag or a sentence about it.
func TestEveryGunicornSetting(t *testing.T) {
	text, err := os.ReadFile("testdata/gunicorn-settings.txt")
	if err != nil {
		t.Fatal(err)
	}
	table := make(map[string]Flag)
	for _, g := range gunicorn() {
		table[g.Name] = g
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] == "#" {
			continue
		}
		n++
		g, ok := table[f[0]]
		if !ok {
			t.Errorf("gunicorn's %s is not in the table", f[0])
			continue
		}
		delete(table, f[0])
		if !slices.Equal(g.Flags, f[1:]) {
			t.Errorf("%s has the flags %v, the table says %q", f[0], f[1:], g.Flags)
		}
		for _, fl := range f[1:] {
			name := strings.TrimLeft(fl, "-")
			if g.State == Ours {
				if config.FindFlag(name) == nil {
					t.Errorf("%s is called ours, and no setting has it", fl)
				}
				continue
			}
			if say := Explain(name); say != string(g.State)+": "+g.Message || !strings.HasSuffix(say, ".") {
				t.Errorf("%s: %q", fl, say)
			}
		}
	}
	for name := range table {
		t.Errorf("the table has %s, which is no setting of gunicorn's", name)
	}
	if n < 100 {
		t.Errorf("only %d settings were read", n)
	}
}
