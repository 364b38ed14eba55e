package config

import (
	"os"
	"strings"

	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/discover"
)

const maxName = 64 // bytes of an app's name

// App is one Python application with workers of its own.
type App struct {
	Name   string `key:"name"`   // unique; letters, digits, dot, dash, underscore
	Module string `key:"module"` // what to load, as the user wrote it; empty: Candidates are tried
	How    string // how Module was found if the user did not name it for this app ("FLASK_APP"); else empty
	Named  string // the place in a file that names Module, "standpipe.toml:3"; empty: a flag does, or nothing

	Dir        string `key:"dir"` // absolute; the workers' working directory and first on sys.path
	Link       string // Dir as configured, where Release has resolved it; else empty
	Python     string `key:"python"` // as set; empty: found
	Venv       string `key:"venv"`   // as set; empty: found
	Env        []EnvVar
	EnvFile    []string `key:"env_file"`   // absolute; already read into Env
	PythonPath []string `key:"pythonpath"` // absolute

	Mount string   // "/" or "/shop": starts with a slash, does not end with one
	Hosts []string // lower case, "shop.example.org" or "*.example.org"; none: every host

	Workers  Workers
	Requests Requests
	Files    AppFiles
	Fields   []FieldRule // [[app.fields]]
	Presets  Presets
	Caching  Caching
	Life     Life
	Confine  Confine

	Interpreter discover.Interpreter // the python to run; checked
	LinkPython  string               // its path as it was found, where Release has resolved it; else empty
	Candidates  []string             // when Module is empty: files relative to Dir, in the order to try

	// Broken is why the app cannot be started now: its folder or its interpreter is missing. Interpreter is then empty.
	// Only for a tolerant caller; see Again. nil: nothing is missing.
	Broken error

	search discover.Search // how Interpreter was looked for
	unread bool            // EnvFile waits for Dir
}

// RowName is the app's name in paths of values: "app.shop.workers".
func (a *App) RowName() string { return a.Name }

// Settings are those of [[app]].
func (*App) Settings() schema.Group {
	return schema.Group{Key: "app", ByName: true, Settings: []schema.Setting{
		{Key: "name", Kind: schema.Text, NoFlag: true, NoEnv: true, Reload: true, Derived: "the module's first part, or the folder's name"},
		{Key: "module", Kind: schema.Text, NoFlag: true, Vital: true, Reload: true, Derived: "FLASK_APP; else the first that holds an app of " + discover.LookedFor,
			Show: schema.Show(func(a *App) (string, bool) {
				if a.Module == "" {
					return "first of " + strings.Join(a.Candidates, " "), true
				}
				return a.Module, true
			})},
		{Key: "dir", Kind: schema.Path, Flags: []string{"dir", "chdir"}, Hint: "DIR", Vital: true, Reload: true, Derived: "the current folder; for an app in a file, the file's folder"},
		{Key: "python", Kind: schema.Text, Reload: true, Hint: "PYTHON",
			Derived: "that of venv, $VIRTUAL_ENV, a virtual environment (pyvenv.cfg, or conda's) called .venv, venv, env or ENV in DIR or in the folder above it, the environment that standpipe was installed into (by pip, uv, conda), python3 in PATH: the first there is",
			Show:    schema.Show(func(a *App) (string, bool) { return a.Interpreter.Path, true })},
		{Key: "venv", Kind: schema.Text, Reload: true, Hint: "DIR"},
		{Key: "env", Kind: schema.Pairs, Flags: []string{"env", "e"}, NoEnv: true, Reload: true,
			Set: schema.Set(setEnv), Show: schema.Show(func(*App) (string, bool) { return "", false }),
			Items: func(group any) []schema.Item { return group.(*App).shownEnv() }},
		{Key: "env_file", Kind: schema.List, Whole: true, Reload: true, Hint: "FILE"},
		{Key: "pythonpath", Kind: schema.List, Reload: true, Hint: "DIR,..."},
		{Key: "mount", Kind: schema.Text, Default: "/", Reload: true, Hint: "PATH",
			Set: schema.Set(setMount), Show: schema.Show(func(a *App) (string, bool) { return a.Mount, true })},
		{Key: "hosts", Kind: schema.List, Flags: []string{"host", "hosts"}, Reload: true, Hint: "HOST,...", Derived: "every host",
			Set: setHosts(func(a *App) *[]string { return &a.Hosts }), Show: showHosts(func(a *App) []string { return a.Hosts })},
	}}
}

// setMount reads "/shop/" as "/shop".
func setMount(a *App, in schema.Input) error {
	m := in.Last()
	if m == "" {
		m = "/"
	}
	if len(m) > 1 {
		m = strings.TrimSuffix(m, "/")
	}
	a.Mount = m
	return nil
}

// Check finds mistakes in the app's values, those of its groups' that need the app included.
func (a *App) Check(r *schema.Row) {
	if !goodName(a.Name) {
		r.Other(r.Path).Bad("name", "%q is not an app's name; use up to %d letters, digits, dots, dashes and underscores", a.Name, maxName)
	}
	for _, p := range a.PythonPath {
		if _, err := os.Stat(p); err != nil && !(a.unread && beneath(p, a.Dir)) {
			r.Bad("pythonpath", "pythonpath %s %v", p, reason(err))
		}
	}
	for _, p := range a.Files.SendfileRoots {
		if err := checkFolder(p); err != nil && !(a.Broken != nil && beneath(p, a.Dir)) {
			r.Bad("sendfile_roots", "sendfile_roots: %v", err)
		}
	}
	if _, err := cgi.Underscores(a.Requests.UnderscoreFields); err != nil {
		r.Bad("underscore_fields", "underscore_fields: %v", err)
	}
	if why := badMount(a.Mount); why != "" {
		r.Bad("mount", "mount %q %s", a.Mount, why)
	}
	for _, h := range a.Hosts {
		if why := badHost(h); why != "" {
			r.Bad("hosts", "host %q %s", h, why)
		}
	}
	a.Life.checkWarmup(r, a.Mount)
	if why := notAnApp(a); why != "" && a.Broken == nil {
		r.Other(r.Path).Bad("module", "%s", why)
	}
	if strings.ContainsAny(a.Module, "\x00\n\r") {
		r.Bad("module", "the module's name contains a control character")
	}
	checkStatics(r, "static", a.Files.Static, !a.unread)
}
