package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/discover"
)

// appDeriver fills in what was not set of an app: its workers, its module, its interpreter.
type appDeriver struct {
	l     *loader
	app   *App
	row   *schema.Row
	index int  // of app in Config.Apps
	there bool // its folder exists
}

func (l *loader) deriveApp(i int) {
	a := &l.cfg.Apps[i]
	(&appDeriver{l: l, app: a, row: l.v.Row(appRow(a.Name), ""), index: i}).derive()
}

func (d *appDeriver) put(key, why string) { d.l.v.Sources.Put(d.row.Path+"."+key, derived(why)) }

func (d *appDeriver) derive() {
	l, a, row := d.l, d.app, d.row
	if !row.Given("workers") {
		n, src := d.defaultWorkers()
		a.Workers.Min, a.Workers.Max, a.Workers.Reason = n, n, src.Where
		l.v.Sources.Put(row.Path+".workers", src)
	}
	d.dev()
	if !row.Given("queue") {
		a.Requests.Queue = 256 + 16*a.Workers.Max
		d.put("queue", fmt.Sprintf("256 + 16 x %d workers", a.Workers.Max))
	}
	a.Dir = filepath.Clean(a.Dir)
	for _, paths := range [][]string{a.EnvFile, a.PythonPath, a.Life.TouchReload, a.Files.SendfileRoots} {
		absolute(a.Dir, paths)
	}
	missing := checkFolder(a.Dir)
	if missing != nil && !row.Unsure("dir") {
		l.addMissing(d.index, row.Source("dir"), missing)
	}
	d.there = missing == nil && !row.Unsure("dir")
	d.readEnvFiles()
	d.findModule()
	d.findPython()
	a.Files.complete(a.Dir, l.appStatic[d.index])
	if a.Module == "" {
		d.put("module", "found in dir")
	}
	if !row.Given("dir") && l.cfg.File != "" && a.Dir != l.cfg.Dir {
		d.put("dir", "the file's folder")
	} else if !row.Given("dir") {
		d.put("dir", "current folder")
	}
	d.put("python", a.Interpreter.How)
}

// defaultWorkers is the number of workers of an app that sets none, and why.
func (d *appDeriver) defaultWorkers() (int, schema.Source) {
	l := d.l
	v := l.v.Env["WEB_CONCURRENCY"]
	if v == "" {
		return l.in.Machine.workers(len(l.cfg.Apps))
	}
	n, err := schema.ParseInt(v)
	if err == nil && n > 0 {
		return n, schema.Source{Kind: schema.FromEnv, Where: "WEB_CONCURRENCY"}
	}
	l.v.Problems.At("WEB_CONCURRENCY", "%q is not a number of workers; it is 1 or more", v)
	return 1, schema.Source{}
}

// readEnvFiles puts the files' variables in front of the app's own, which win. Without the app's folder it only reads
// those that lie elsewhere; Again reads them all.
func (d *appDeriver) readEnvFiles() {
	a := d.app
	var vars []EnvVar
	for _, path := range a.EnvFile {
		if !d.there && beneath(path, a.Dir) {
			continue
		}
		v, err := readEnvFile(path)
		if err != nil {
			d.row.Bad("env_file", "env_file of app %q: %s", a.Name, withPath(path, err))
			continue
		}
		vars = append(vars, v...)
	}
	if a.unread = !d.there; d.there {
		a.Env = append(vars, a.Env...)
	}
}

// withPath names the file unless the message begins with it already.
func withPath(path string, err error) string {
	s := err.Error()
	if strings.HasPrefix(s, path+":") {
		return s
	}
	return path + " " + s
}

// findModule is for an app whose module was not named: FLASK_APP, else the files that may hold it.
func (d *appDeriver) findModule() {
	a := d.app
	if a.Module != "" {
		if src := d.row.Source("module"); src.Kind == schema.FromFile {
			a.Named = src.Where
		}
		return
	}
	if v, src := d.flaskApp(); v != "" {
		a.Module, a.How = v, "FLASK_APP"
		d.l.v.Sources.Put(d.row.Path+".module", src)
		return
	}
	if !d.there {
		a.Candidates = discover.Usual()
		return
	}
	if a.Candidates = discover.Candidates(a.Dir); len(a.Candidates) == 0 && !d.row.Unsure("module") {
		d.noApp()
	}
}

// flaskApp is the app's FLASK_APP. That of standpipe's own environment counts for a single app only.
func (d *appDeriver) flaskApp() (string, schema.Source) {
	for _, e := range slices.Backward(d.app.Env) {
		if e.Name == "FLASK_APP" && e.Value != "" {
			return e.Value, e.Source
		}
	}
	if len(d.l.cfg.Apps) > 1 {
		return "", schema.Source{}
	}
	return d.l.v.Env["FLASK_APP"], schema.Source{Kind: schema.FromEnv, Where: "FLASK_APP"}
}

// noApp adds the problem of a folder that has no app, with what to write for what it has.
func (d *appDeriver) noApp() {
	l, a := d.l, d.app
	projects, others := discover.Projects(a.Dir), discover.Others(a.Dir)
	if l.cfg.File != "" {
		module := "shop.wsgi:application"
		if len(others) > 0 {
			module = others[0]
		}
		l.v.Problems.At("", "app %q: no app found in %s; looked for FLASK_APP, %s. Name it in its [[app]]: module = %q", a.Name, a.Dir, discover.LookedFor, module)
		return
	}
	here, there := "shop.wsgi:application", "../shop"
	if len(others) > 0 {
		here = others[0]
	}
	if rest := others[min(1, len(others)):]; len(rest) > 0 {
		here += "   (or " + strings.Join(rest[:min(3, len(rest))], ", ") + ")"
	}
	if len(projects) > 0 {
		there = projects[0]
	}
	fixes := []string{
		"if the app is here, name it (module:name, or a file):   standpipe serve " + here,
		"if it is in another folder:                             standpipe serve --dir " + there,
		"if there is none yet, the tutorial makes one:           standpipe help tutorial",
	}
	if len(projects) > 0 { // this is it, most likely
		fixes[0], fixes[1] = fixes[1], fixes[0]
	}
	l.v.Problems.At("", "no app found in %s\n  looked for FLASK_APP, standpipe.toml, %s\n  fix  %s", a.Dir, discover.LookedFor, strings.Join(fixes, "\n       "))
}

// findPython finds the app's interpreter. Of python and venv, the one of the later layer counts.
func (d *appDeriver) findPython() {
	l, a, row := d.l, d.app, d.row
	python, venv := row.Source("python"), row.Source("venv")
	if a.Python != "" && a.Venv != "" {
		switch {
		case python.Kind > venv.Kind:
			a.Venv = ""
		case venv.Kind > python.Kind:
			a.Python = ""
		default:
			row.Bad("python", "app %q has both python and venv; keep one of them", a.Name)
			return
		}
	}
	a.search = discover.Search{
		Dir: a.Dir, Python: a.Python, PythonFrom: shownSource(python), Venv: a.Venv, VenvFrom: shownSource(venv),
		Program: thisProgram(), Getenv: func(name string) string { return l.v.Env[name] },
	}
	if !d.there {
		return // the missing folder is the problem
	}
	in, err := discover.Find(a.search)
	if err == nil {
		a.Interpreter = in
		return
	}
	src := python
	if a.Python == "" {
		src = venv
	}
	if src.Given() || !row.Unsure("python", "venv") {
		l.addMissing(d.index, src, err)
	}
}

// thisProgram is the path of this program, without symbolic links; empty: it cannot be known.
func thisProgram() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		return resolved
	}
	return path // removed while it runs
}

// shownSource is a source as the start banner names it.
func shownSource(s schema.Source) string {
	if s.Kind == schema.FromFile {
		return "set in " + s.Where
	}
	return s.Where
}
