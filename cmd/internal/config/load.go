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

// Input is everything that Load looks at.
type Input struct {
	App     string        // APP of the command line; empty: none
	Flags   []schema.Flag // what else it said
	Environ []string      // NAME=VALUE
	Dir     string        // the current folder, absolute
	Pid     int           // for LISTEN_PID
	Machine *Machine      // nil: this one

	// WithoutFile: a standpipe.toml in the folder is not read.
	WithoutFile bool

	Warnings []string // about the command line; Config.Warnings begins with them

	// Tolerant: of several apps, one whose folder or interpreter is missing is no problem; it is Broken instead.
	Tolerant bool
}

// loader is one run of Load.
type loader struct {
	in  Input
	cfg *Config
	v   *schema.Values

	flagged   []*schema.Table // each --app
	appStatic []([]Static)    // [[app.static]], by the place of the app in Config.Apps
	missing   []missing       // see missing.go
	passed    int             // sockets that systemd passes to this process
}

// Load puts the layers together, derives what was not set, and checks everything. The error is schema.Problems: all of
// them. The Config is then there only for its Warnings.
func Load(in Input) (*Config, *schema.Sources, error) {
	cfg := &Config{}
	sources, err := load(in, product(), cfg, cfg)
	return cfg, sources, err
}

// load reads the configuration that root points to, of which cfg is a part.
func load(in Input, s *schema.Schema, root any, cfg *Config) (*schema.Sources, error) {
	if in.Machine == nil {
		m := Measure()
		in.Machine = &m
	}
	cfg.Dir = in.Dir
	cfg.Warnings = slices.Clone(in.Warnings)
	l := &loader{in: in, cfg: cfg, v: s.NewValues(schema.NewEnvironment(in.Environ), in.Flags, in.Dir)}
	l.readFile()
	l.passed = l.passedSockets()
	unknownVariables(s, l.v.Env, l.warn)
	l.v.Fill(s.Top, root, "", l.v.File.Top)
	for _, table := range s.Top.Tables {
		tables := l.v.File.Top.Tables[table]
		switch {
		case !table.Array:
		case table.Key == "listen":
			l.listen(table, tables)
		case table.Key == "app":
			(&appReader{l, table}).read(tables)
		default:
			l.v.FillRows(table, root, "", tables)
			l.filled(table.Key, tables)
		}
	}
	l.derive()
	l.v.Check(root)
	l.judgeMissing()
	if len(l.v.Problems) > 0 {
		return l.v.Sources, l.v.Problems.Once()
	}
	return l.v.Sources, nil
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

// readFile finds and reads the configuration file.
func (l *loader) readFile() {
	for _, text := range l.flag("app") {
		l.flagged = append(l.flagged, l.v.Schema.ParseRow(l.v.Schema.Top.Table("app"), text, schema.Source{Kind: schema.FromFlag, Where: "--app"}, l.in.Dir,
			"name=shop,module=shop.wsgi:application", &l.v.Problems))
	}
	name, src := l.fileName()
	if name == "" {
		if _, err := os.Stat(filepath.Join(l.in.Dir, "gunicorn.conf.py")); err == nil {
			l.warn("gunicorn.conf.py is here and is not read; `standpipe import gunicorn gunicorn.conf.py` makes a standpipe.toml of it")
		}
		return
	}
	if strings.HasSuffix(name, ".py") || strings.HasPrefix(name, "python:") || strings.HasPrefix(name, "file:") {
		l.v.Problems.Add(src, "%q: a gunicorn configuration is Python, standpipe reads TOML; `standpipe import gunicorn %s` makes it", name, strings.TrimPrefix(name, "file:"))
		l.v.File.Failed = true
		return
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(l.in.Dir, path)
	}
	l.cfg.File = path
	text, err := readBounded(path)
	if err != nil {
		l.v.Problems.At(name, "the configuration file %v", err)
		l.v.File.Failed = true
		return
	}
	l.v.File = l.v.Schema.ParseTOML(text, name, filepath.Dir(path), l.v.Env, &l.v.Problems)
}

// fileName is the configuration file as it was named, and the source of the name; empty: none is read.
func (l *loader) fileName() (string, schema.Source) {
	if v := l.flag("config"); len(v) > 0 {
		return v[len(v)-1], schema.Source{Kind: schema.FromFlag, Where: "--config"}
	}
	if v := l.v.Env["STANDPIPE_CONFIG"]; v != "" {
		return v, schema.Source{Kind: schema.FromEnv, Where: "STANDPIPE_CONFIG"}
	}
	if l.in.App == "" && len(l.flagged) == 0 && !l.in.WithoutFile {
		if st, err := os.Stat(filepath.Join(l.in.Dir, discover.ConfigFile)); err == nil && st.Mode().IsRegular() {
			return discover.ConfigFile, schema.Source{}
		}
	}
	return "", schema.Source{}
}

// filled completes the rows of an array of tables.
func (l *loader) filled(key string, tables []*schema.Table) {
	switch key {
	case "route":
		completeRoutes(l.cfg.Routes, l.v, tables, filepath.Dir(l.cfg.File))
	case "static":
		l.cfg.Static = l.completeStatics(l.cfg.Static, "static", tables, filepath.Dir(l.cfg.File))
	}
}

// completeStatics gives the rows their sources, and leaves out those that lack a key, which is a problem already. Relative
// folders are relative to dir, unless that is empty.
func (l *loader) completeStatics(list []Static, path string, tables []*schema.Table, dir string) (out []Static) {
	for i, s := range list {
		row := l.v.Row(fmt.Sprintf("%s.%d", path, i), "")
		s.src = tables[i].Src
		if dir != "" {
			s.complete(dir)
		}
		if row.Given("url") && row.Given("dir") {
			out = append(out, s)
		}
	}
	return out
}

func listenRow(i int) string           { return fmt.Sprintf("listen.%d", i) }
func appRow(name string) string        { return "app." + name }
func derived(why string) schema.Source { return schema.Source{Kind: schema.FromDerived, Where: why} }
