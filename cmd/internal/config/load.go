package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/discover"
)

// Input is everything that Load looks at.
type Input struct {
	App     string   // APP of the command line; empty: none
	Flags   []Flag   // what else it said
	Environ []string // NAME=VALUE
	Dir     string   // the current folder, absolute
	Pid     int      // for LISTEN_PID
	Machine *Machine // nil: this one

	// Tolerant: of several apps, one whose folder or interpreter is missing is no problem; it is Broken instead.
	Tolerant bool
}

// loader is one run of Load.
type loader struct {
	in      Input
	env     environment
	file    file
	envs    layer
	flags   layer
	flagged []group // --app
	cfg     *Config
	sources *Sources
	bad     Problems

	failed   map[string]bool // paths of values of which one layer's word could not be read
	absences []absence
}

// Load puts the layers together, works out what nobody set, and checks everything. The error is Problems: all of them.
// The Config is then there only for its Warnings.
func Load(in Input) (*Config, *Sources, error) {
	if in.Machine == nil {
		m := Measure()
		in.Machine = &m
	}
	l := &loader{in: in, env: newEnvironment(in.Environ), cfg: &Config{Dir: in.Dir}, sources: newSources(), failed: make(map[string]bool)}
	l.read()
	l.server()
	l.listen()
	l.internal()
	l.routes()
	l.statics()
	l.apps()
	l.derive()
	l.validate()
	l.judgeAbsences()
	if len(l.bad) > 0 {
		return l.cfg, l.sources, l.bad.once()
	}
	return l.cfg, l.sources, nil
}

func (l *loader) warn(format string, args ...any) {
	l.cfg.Warnings = append(l.cfg.Warnings, fmt.Sprintf(format, args...))
}

// flag are the values of a flag of the command line alone.
func (l *loader) flag(name string) []string {
	for _, f := range l.in.Flags {
		if f.Name == name {
			return f.Values
		}
	}
	return nil
}

// read fetches the layers.
func (l *loader) read() {
	l.envs = envLayer(l.env, l.in.Dir)
	l.flags = flagLayer(l.in.Flags, l.in.Dir)
	for _, v := range l.flag("app") {
		g := appFlag(v, l.in.Dir, &l.bad)
		l.flagged = append(l.flagged, g)
	}
	strangers(l.env, l.warn)

	name, src := "", Source{}
	if v := l.flag("config"); len(v) > 0 {
		name, src = v[len(v)-1], Source{FromFlag, "--config"}
	} else if v := l.env["STANDPIPE_CONFIG"]; v != "" {
		name, src = v, Source{FromEnv, "STANDPIPE_CONFIG"}
	} else if l.in.App == "" && len(l.flagged) == 0 {
		if st, err := os.Stat(filepath.Join(l.in.Dir, discover.ConfigFile)); err == nil && st.Mode().IsRegular() {
			name = discover.ConfigFile
		}
	}
	if name == "" {
		if _, err := os.Stat(filepath.Join(l.in.Dir, "gunicorn.conf.py")); err == nil {
			l.warn("gunicorn.conf.py is here and is not read; docs/migrating.md says how to write standpipe.toml")
		}
		return
	}
	if strings.HasSuffix(name, ".py") || strings.HasPrefix(name, "python:") || strings.HasPrefix(name, "file:") {
		l.bad.add(src, "%q: a gunicorn configuration is Python, standpipe reads TOML; docs/migrating.md has each setting's place", name)
		l.file.failed = true
		return
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(l.in.Dir, path)
	}
	l.cfg.File = path
	l.file = readTOML(path, name, filepath.Dir(path), &l.bad)
}

// apply writes givens to t, in their order. path makes a value's path of its key. What cannot be read leaves both the
// value and its source as they were.
func (l *loader) apply(t target, givens []given, path func(*Setting) string) {
	for _, g := range givens {
		if g.bad {
			l.failed[path(g.s)] = true
		} else if err := g.s.apply(t, g.in); err != nil {
			l.bad.add(g.in.src, "%s %v", g.s.FileKey(), err)
			l.failed[path(g.s)] = true
		} else {
			l.sources.put(path(g.s), g.in.src)
		}
	}
}

// defaults are the fixed ones of a scope.
func defaults(scope Scope) []given {
	var out []given
	for _, s := range Settings() {
		if s.Scope == scope && s.Default != "" {
			out = append(out, given{s: s, in: input{values: []string{s.Default}}})
		}
	}
	return out
}

func (l *loader) server() {
	layers := [][]given{defaults(OfServer)}
	// As with gunicorn, this variable is a default: every setting of ours wins over it.
	if v := l.env["FORWARDED_ALLOW_IPS"]; v != "" {
		layers = append(layers, []given{{s: FindFlag("trusted-proxies"), in: input{values: []string{v}, src: Source{FromEnv, "FORWARDED_ALLOW_IPS"}}}})
	}
	layers = append(layers, l.file.server, l.envs.server, l.flags.server)
	for _, givens := range layers {
		l.apply(target{cfg: l.cfg}, givens, (*Setting).FileKey)
	}
}

func (l *loader) listen() {
	bind := l.sources.Of("bind")
	switch {
	case len(l.file.listen) > 0 && bind.Kind == FromFile:
		l.bad.add(bind, "bind and [[listen]] say the same thing; keep one of them")
	case len(l.file.listen) > 0 && !bind.Given():
		l.cfg.Listen = make([]Listen, len(l.file.listen))
		for i, g := range l.file.listen {
			at := &l.cfg.Listen[i]
			path := func(s *Setting) string { return listenPath(i, s.Key) }
			l.apply(target{listen: at}, defaults(OfListen), path)
			l.apply(target{listen: at}, g.givens, path)
			if !l.sources.Of(listenPath(i, "address")).Given() && !l.unsure(listenPath(i, "address")) {
				l.bad.add(g.src, "[[listen]] has no address; write address = \"127.0.0.1:8000\"")
			}
		}
	case bind.Given():
		for i := range l.cfg.Listen {
			l.sources.put(listenPath(i, "address"), bind)
		}
	case l.unsure("bind"):
	default:
		l.defaultListen()
	}
	for i := range l.cfg.Listen {
		for _, givens := range [][]given{l.envs.listen, l.flags.listen} {
			l.apply(target{listen: &l.cfg.Listen[i]}, givens, func(s *Setting) string { return listenPath(i, s.Key) })
		}
	}
}

// apps finds out which apps there are, and what each one's values are.
func (l *loader) apps() {
	groups := slices.Clone(l.file.apps)
	extra := make([][]given, len(groups)) // what --app says about an app of the file
	for _, g := range l.flagged {
		i := -1
		if g.name != "" {
			i = slices.IndexFunc(l.file.apps, func(f group) bool { return f.name == g.name })
		}
		if i >= 0 {
			extra[i] = append(extra[i], g.givens...)
		} else {
			groups, extra = append(groups, group{name: g.name, src: g.src}), append(extra, g.givens)
		}
	}
	var positional []given
	if l.in.App != "" {
		if len(groups) > 0 {
			l.bad.at("APP", "%s is given beside the apps of %s; name it there, or leave the others out", l.in.App, groups[0].src.Where)
		}
		positional = []given{{s: findKey(OfApp, "", "module"), in: input{values: []string{l.in.App}, src: Source{FromFlag, "APP"}}}}
	}
	if len(groups) == 0 {
		groups, extra = []group{{}}, [][]given{nil}
	}
	for i, g := range groups {
		l.cfg.Apps = append(l.cfg.Apps, l.app(g, extra[i], positional))
	}
	l.knownNames()
}

// app is one app with all layers in place. It is built twice when its name has to be made of its values.
func (l *loader) app(g group, extra, positional []given) App {
	build := func(name string, report *loader) App {
		a := App{Name: name, Dir: l.in.Dir}
		if g.src.Kind == FromFile {
			a.Dir = filepath.Dir(l.cfg.File)
		}
		path := func(s *Setting) string { return appPath(name, s.Key) }
		flags, own := l.flags.app, []given(nil)
		for _, n := range l.flags.named {
			if n.app == name {
				own = append(own, n)
			}
		}
		for _, givens := range [][]given{defaults(OfApp), g.givens, l.envs.of(name), flags, positional, extra, own} {
			report.apply(target{app: &a}, givens, path)
		}
		return a
	}
	name := g.name
	if name == "" {
		draft := build("", &loader{sources: newSources(), failed: make(map[string]bool)})
		name = draft.Name
		if name == "" {
			name = nameOf(cmpOr(draft.Module, l.env["FLASK_APP"]), draft.Dir)
		}
	}
	a := build(name, l)
	a.Name = name
	return a
}

// knownNames reports -w shpo=8 when there is no shpo.
func (l *loader) knownNames() {
	var names []string
	for _, a := range l.cfg.Apps {
		if l.unsure(appPath(a.Name, "name")) {
			return
		}
		names = append(names, a.Name)
	}
	for _, g := range slices.Concat(l.envs.named, l.flags.named) {
		if slices.Contains(names, g.app) {
			continue
		}
		hint := "the apps are: " + strings.Join(names, ", ")
		if near := Nearest(g.app, names); near != "" {
			hint = fmt.Sprintf("did you mean %s?", near)
		}
		l.bad.add(g.in.src, "%s=%s: there is no app %q; %s", g.app, g.in.last(), g.app, hint)
	}
}

// plain are module names that say nothing about the app.
var plain = []string{"wsgi", "app", "main", "application", "index", "server", "run", "manage", "src", "api", "web", "config", "project"}

// nameOf makes an app's name of what it loads, else of its folder.
func nameOf(module, dir string) string {
	spec, _, _ := strings.Cut(module, ":")
	stem := spec
	// mysite.wsgi is a module, deploy/mysite.wsgi a file.
	if strings.Contains(spec, "/") || strings.HasSuffix(spec, ".py") {
		stem = strings.TrimSuffix(filepath.Base(strings.TrimSuffix(spec, "/__init__.py")), filepath.Ext(spec))
	} else if first, _, ok := strings.Cut(spec, "."); ok {
		stem = first
	}
	if stem == "" || slices.Contains(plain, stem) {
		stem = filepath.Base(dir)
	}
	name := strings.Map(func(c rune) rune {
		if nameRune(c) {
			return c
		}
		return '-'
	}, stem)
	name = strings.Trim(name, "-.")
	if len(name) > maxName {
		name = name[:maxName]
	}
	return cmpOr(name, "app")
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
