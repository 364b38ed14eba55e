package config

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/discover"
)

// appLayers is what the layers say about one app.
type appLayers struct {
	table      *schema.Table  // its [[app]], or a flag --app
	positional []schema.Given // APP
	flagged    []schema.Given // each --app that changes an app of the file
}

// appReader finds out which apps there are, and what each one's values are.
type appReader struct {
	l     *loader
	scope *schema.Scope
}

// read adds the apps of the tables in the file, of the flags --app, and of APP.
func (r *appReader) read(tables []*schema.Table) {
	l := r.l
	var list []appLayers
	for _, t := range tables {
		list = append(list, appLayers{table: t})
	}
	for _, t := range l.flagged {
		i := -1
		if t.Name != "" {
			i = slices.IndexFunc(list[:len(tables)], func(a appLayers) bool { return a.table.Name == t.Name })
		}
		if i >= 0 {
			list[i].flagged = append(list[i].flagged, t.Givens...)
		} else {
			list = append(list, appLayers{table: &schema.Table{Name: t.Name, Src: t.Src}, flagged: t.Givens})
		}
	}
	if l.in.App != "" && len(list) > 0 {
		l.v.Problems.At("APP", "%s is given beside the apps of %s; name it there, or leave the others out", l.in.App, list[0].table.Src.Where)
	}
	if len(list) == 0 {
		list = []appLayers{{table: &schema.Table{}}}
		if r.none(list[0]) {
			return
		}
	}
	for _, a := range list {
		if l.in.App != "" {
			a.positional = []schema.Given{{Setting: r.scope.Setting("module"), In: schema.Input{Values: []string{l.in.App}, Src: schema.Source{Kind: schema.FromFlag, Where: "APP"}}}}
		}
		l.cfg.Apps = append(l.cfg.Apps, r.app(a))
	}
	r.knownNames()
}

// none reports whether there is no app: nobody names one, the folder has no file that may hold one, and routes or folders answer
// requests. Python is not looked for then.
func (r *appReader) none(layers appLayers) bool {
	l := r.l
	top := l.v.Schema.Top
	if l.in.App != "" || l.v.Env["FLASK_APP"] != "" || len(l.v.File.Top.Tables[top.Table("route")])+len(l.v.File.Top.Tables[top.Table("static")]) == 0 {
		return false
	}
	draft := r.build(layers, "", l.v.Draft())
	return draft.Module == "" && len(discover.Candidates(draft.Dir)) == 0
}

// app is one app with all layers in place. It is built twice when its name has to be made of its values.
func (r *appReader) app(layers appLayers) App {
	l := r.l
	name := layers.table.Name
	if name == "" {
		draft := r.build(layers, "", l.v.Draft())
		name = draft.Name
		if name == "" {
			name = nameOf(cmp.Or(draft.Module, l.v.Env["FLASK_APP"]), draft.Dir)
		}
	}
	a := r.build(layers, name, l.v)
	a.Name = name
	r.tables(&a, layers.table)
	l.appStatic = append(l.appStatic, r.statics(layers.table, name))
	return a
}

// build puts an app's layers together, the later ones winning. Sources and problems go to v.
func (r *appReader) build(layers appLayers, name string, v *schema.Values) App {
	a := App{Name: name, Dir: r.l.in.Dir}
	if layers.table.Src.Kind == schema.FromFile {
		a.Dir = filepath.Dir(r.l.cfg.File)
	}
	v.Apply(&a, appRow(name), v.Defaults(r.scope), layers.table.Givens, v.Variables(r.scope, name), v.Flags(r.scope),
		layers.positional, layers.flagged, v.FlagsOf(r.scope, name))
	return a
}

// tables fills the tables within an app. The rows of [[app.static]] are completed before they count (statics).
func (r *appReader) tables(a *App, t *schema.Table) {
	for _, child := range r.scope.Tables {
		if child.Key != "static" {
			r.l.v.FillTable(child, a, appRow(a.Name), t.Tables[child])
		}
	}
}

// statics are the rows of [[app.static]].
func (r *appReader) statics(t *schema.Table, app string) []Static {
	l, scope := r.l, r.scope.Table("static")
	var a App
	tables, path := t.Tables[scope], appRow(app)
	l.v.FillRows(scope, &a, path, tables)
	for i, s := range a.Files.Static {
		if len(s.Hosts) > 0 {
			l.v.Problems.Add(tables[i].Src, "app %q: hosts is a key of [[static]] alone; the app's own hosts count here", app)
		}
	}
	return l.completeStatics(a.Files.Static, path+".static", tables, "")
}

// knownNames reports -w shpo=8 when there is no app shpo.
func (r *appReader) knownNames() {
	l := r.l
	var names []string
	for _, a := range l.cfg.Apps {
		if l.v.Unsure(appRow(a.Name) + ".name") {
			return
		}
		names = append(names, a.Name)
	}
	for _, g := range l.v.Names(r.scope) {
		if slices.Contains(names, g.For) {
			continue
		}
		advice := "the apps are: " + strings.Join(names, ", ")
		if near := schema.Nearest(g.For, names); near != "" {
			advice = fmt.Sprintf("did you mean %s?", near)
		}
		l.v.Problems.Add(g.In.Src, "%s=%s: there is no app %q; %s", g.For, g.In.Last(), g.For, advice)
	}
}

// generic are module names that say nothing about the app.
var generic = []string{"wsgi", "app", "main", "application", "index", "server", "run", "manage", "src", "api", "web", "config", "project"}

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
	if stem == "" || slices.Contains(generic, stem) {
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
	return cmp.Or(name, "app")
}

// InstanceName is what a server with this configuration is called: as its first app, or as the folder.
func InstanceName(c *Config) string {
	if len(c.Apps) > 0 {
		return c.Apps[0].Name
	}
	return nameOf("", filepath.Dir(c.File)) // only a file has routes and folders
}
