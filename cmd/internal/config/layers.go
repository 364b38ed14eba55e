package config

import (
	"fmt"
	"slices"
	"strings"
)

// Flag is what the command line said with one flag.
type Flag struct {
	Name   string   // the long name without dashes: Setting.Flags[0]
	Values []string // in the order given
}

// layer is what the environment or the command line says.
type layer struct {
	server, listen []given
	app            []given // for all apps
	named          []given // for one app: given.app is its name
}

// environment looks variables up; the last of a name wins, as in a shell.
type environment map[string]string

func newEnvironment(list []string) environment {
	e := make(environment, len(list))
	for _, kv := range list {
		if name, value, ok := strings.Cut(kv, "="); ok {
			e[name] = value
		}
	}
	return e
}

// envLayer reads the STANDPIPE_ variables. An empty variable counts as unset, as in most programs: a compose file
// that passes one through cannot leave it out.
func envLayer(env environment, dir string) layer {
	var l layer
	for _, s := range Settings() {
		if s.Scope == OfCommand || s.EnvName() == "" {
			continue
		}
		if v := env[s.EnvName()]; v != "" {
			values := []string{v}
			if s.Named() {
				values = splitList(v)
			}
			l.add(s, input{values: values, src: Source{FromEnv, s.EnvName()}, base: dir})
		}
	}
	return l
}

func flagLayer(flags []Flag, dir string) layer {
	var l layer
	for _, f := range flags {
		s := FindFlag(f.Name)
		if s == nil || s.Scope == OfCommand || len(f.Values) == 0 {
			continue
		}
		// One -e is one variable, and a file's name may hold a comma.
		l.add(s, input{values: f.Values, exact: s.Key == "env_file", src: Source{FromFlag, "--" + s.Flags[0]}, base: dir})
	}
	return l
}

func (l *layer) add(s *Setting, in input) {
	switch s.Scope {
	case OfServer:
		l.server = append(l.server, given{s: s, in: in})
	case OfListen:
		l.listen = append(l.listen, given{s: s, in: in})
	case OfApp:
		if !s.Named() {
			l.app = append(l.app, given{s: s, in: in})
			return
		}
		for _, v := range in.values {
			one := in
			if name, value, ok := strings.Cut(v, "="); ok {
				one.values = []string{value}
				l.named = append(l.named, given{s: s, app: name, in: one})
			} else {
				one.values = []string{v}
				l.app = append(l.app, given{s: s, in: one})
			}
		}
	}
}

// of are the layer's words for one app: those for all first, so that its own win.
func (l *layer) of(app string) []given {
	out := slices.Clone(l.app)
	for _, g := range l.named {
		if g.app == app {
			out = append(out, g)
		}
	}
	return out
}

// FindFlag is the setting that a flag belongs to, by any of its names without dashes; nil: none.
func FindFlag(name string) *Setting {
	for _, s := range Settings() {
		if slices.Contains(s.Flags, name) {
			return s
		}
	}
	return nil
}

// appFlag reads one --app: KEY=VALUE pairs between commas, with the keys of [[app]].
func appFlag(text, dir string, bad *Problems) group {
	src := Source{FromFlag, "--app"}
	g := group{src: src}
	fields, err := splitQuoted(text)
	if err != nil {
		bad.add(src, "%q: %v", text, err)
		fields = nil
	}
	at := make(map[*Setting]int)
	byKey := make(map[string]*Setting)
	for _, s := range appSettings() {
		byKey[s.Key] = s
	}
	unread := func(s *Setting) {
		if s != nil {
			g.givens = append(g.givens, given{s: s, in: input{src: src}, bad: true})
		}
	}
	if err != nil {
		unread(byKey["module"])
	}
	for _, f := range fields {
		key, value, ok := strings.Cut(f, "=")
		if !ok {
			bad.add(src, "%q: %q is not KEY=VALUE; write name=shop,module=shop.wsgi:application", text, f)
			unread(byKey["module"]) // most likely
			continue
		}
		value = unquote(value)
		s := byKey[strings.ReplaceAll(key, "-", "_")]
		switch {
		case s == nil:
			sentence, meant := unknownKey(OfApp, "", key)
			bad.add(src, "%q: %s", text, sentence)
			unread(byKey[meant])
			continue
		case s.Key == "name":
			g.name = value
		}
		if i, again := at[s]; again {
			if s.Kind != List && s.Kind != Pairs {
				bad.add(src, "%q: %s stands there twice", text, key)
				continue
			}
			g.givens[i].in.values = append(g.givens[i].in.values, value)
			continue
		}
		at[s] = len(g.givens)
		g.givens = append(g.givens, given{s: s, in: input{values: []string{value}, src: src, base: dir}})
	}
	return g
}

// splitQuoted cuts at commas that stand outside of quotes and parentheses. Quotes around a whole field are taken off,
// those inside stay.
func splitQuoted(s string) ([]string, error) {
	var out []string
	var quote byte
	depth, from := 0, 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth <= 0:
			out = append(out, s[from:i])
			from = i + 1
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("the %c is never closed", quote)
	}
	out = append(out, s[from:])
	fields := out[:0]
	for _, f := range out {
		if f = unquote(strings.TrimSpace(f)); f != "" {
			fields = append(fields, f)
		}
	}
	return fields, nil
}

// unquote takes off quotes that surround all of s.
func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] && !strings.ContainsRune(s[1:len(s)-1], rune(s[0])) {
		return s[1 : len(s)-1]
	}
	return s
}

// known are STANDPIPE_ variables that are no settings: standpipe's own words to its workers and to its tests.
var known = []string{"STANDPIPE_CONFIG", "STANDPIPE_WORKER", "STANDPIPE_GENERATION", "STANDPIPE_NONCE", "STANDPIPE_SHIM_HASH", "STANDPIPE_SOAK", "STANDPIPE_CPUPROFILE"}

// strangers warns of what somebody set in the belief that it counts.
func strangers(env environment, warn func(format string, args ...any)) {
	var names []string
	for _, s := range Settings() {
		if n := s.EnvName(); n != "" {
			names = append(names, n)
		}
	}
	var odd []string
	for name := range env {
		if !strings.HasPrefix(name, "STANDPIPE_") || slices.Contains(names, name) || slices.Contains(known, name) {
			continue
		}
		// Kubernetes and old Docker links make such variables of a service that is called standpipe.
		if strings.Contains(name, "_PORT") || strings.HasSuffix(name, "_SERVICE_HOST") {
			continue
		}
		odd = append(odd, name)
	}
	slices.Sort(odd)
	for _, name := range odd {
		if near := Nearest(name, names); near != "" {
			warn("the variable %s is no setting; did you mean %s?", name, near)
		} else {
			warn("the variable %s is no setting; docs/settings.md lists them", name)
		}
	}
	if env["GUNICORN_CMD_ARGS"] != "" {
		warn("GUNICORN_CMD_ARGS is set and is not read; write its flags on the command line")
	}
}
