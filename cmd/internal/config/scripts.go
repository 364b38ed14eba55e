package config

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/shim/wire"
)

// Scripts are the settings of a route to FastCGI upstreams.
type Scripts struct {
	Root         string   `key:"root"`          // absolute; empty: it is not on this machine, or requests run no scripts
	UpstreamRoot string   `key:"upstream_root"` // Root in the file system of the upstreams; empty: the same path
	Index        []string `key:"index"`         // files that answer for a folder
	Split        []string `key:"split"`         // endings of scripts
	Missing      string   // "404", or a script beneath Root
	Keep         int      `key:"keep_connections"` // idle connections to each upstream
	Params       map[string]string
}

// Settings are those of [[route]].
func (*Scripts) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "root", Kind: schema.Path, Reload: true, Derived: "none: the upstream finds out itself what it runs"},
		{Key: "upstream_root", Kind: schema.Text, Reload: true, Derived: "root"},
		{Key: "index", Kind: schema.List, Reload: true, Default: "index.php,index.html"},
		{Key: "split", Kind: schema.List, Reload: true, Default: ".php"},
		{Key: "missing", Kind: schema.Text, Reload: true, Default: "404",
			Set: schema.Set(func(s *Scripts, in schema.Input) error {
				s.Missing = in.Last()
				if v := in.Last(); v != "404" && (!strings.HasPrefix(v, "/") || v != path.Clean(v)) {
					return fmt.Errorf("%q is neither 404 nor the path of a script beneath root; write 404 or /index.php", v)
				}
				return nil
			}), Show: schema.Show(func(s *Scripts) (string, bool) { return s.Missing, true })},
		{Key: "params", Kind: schema.Pairs, Reload: true, Derived: "none", Set: schema.Set(setParams),
			Show: schema.Show(func(s *Scripts) (string, bool) { return showPairs(s.Params) })},
		{Key: "keep_connections", Kind: schema.Int, Default: "0", Reload: true},
	}}
}

func setParams(s *Scripts, in schema.Input) error {
	s.Params = map[string]string{}
	for _, v := range in.Values {
		name, value, ok := strings.Cut(v, "=")
		if !ok || !isVariable(name) || strings.HasPrefix(name, "HTTP_") || strings.ContainsRune(value, 0) {
			return fmt.Errorf("%q is not a variable and its value; a name has letters, digits and underscores, and does not begin with HTTP_", v)
		}
		s.Params[name] = value
	}
	return nil
}

func isVariable(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_'
	})
}

// Variables are Params as the upstream gets them.
func (s *Scripts) Variables() []wire.Var {
	var list []wire.Var
	for _, name := range slices.Sorted(maps.Keys(s.Params)) {
		list = append(list, wire.Var{Name: name, Value: s.Params[name]})
	}
	return list
}

// Script is that of Missing; empty: there is none.
func (s *Scripts) Script() string {
	if s.Missing == "404" {
		return ""
	}
	return s.Missing
}

// IsScript reports whether a name has the ending of a script.
func (s *Scripts) IsScript(name string) bool {
	return slices.ContainsFunc(s.Split, func(ending string) bool { return strings.HasSuffix(name, ending) })
}

// Stripped is the part of the path that neither the upstream nor the root has; empty: none.
func (r *Route) Stripped() string {
	if !r.StripPrefix {
		return ""
	}
	return strings.TrimRight(r.Path, "/")
}

// ScriptEndings are the endings of the scripts of routes: no folder serves such a file.
func ScriptEndings(routes []Route) []string {
	var list []string
	for _, r := range routes {
		for _, ending := range r.Scripts.Split {
			if slices.ContainsFunc(r.Balance.All(), Server.runsScripts) && !slices.Contains(list, ending) {
				list = append(list, ending)
			}
		}
	}
	return list
}

func (s Server) runsScripts() bool { return s.At.Scheme == "fastcgi" }

// Check finds mistakes in values.
func (s *Scripts) Check(row *schema.Row) {
	for _, ending := range s.Split {
		if len(ending) < 2 || ending[0] != '.' || strings.ContainsAny(ending[1:], "./\\") || ending != strings.ToLower(ending) {
			row.Bad("split", "split %q is not the ending of a script; write it in small letters, as in \".php\"", ending)
		}
	}
	for _, name := range s.Index {
		if name == "" || strings.ContainsAny(name, `/\`) || name[0] == '.' {
			row.Bad("index", "index %q is not a file's name", name)
		}
	}
	if s.UpstreamRoot != "" && !path.IsAbs(s.UpstreamRoot) {
		row.Bad("upstream_root", "upstream_root %q is not an absolute path", s.UpstreamRoot)
	}
	if s.Missing != "404" && !row.Unsure("missing") {
		s.checkMissing(row)
	}
	if s.Root != "" {
		if err := checkFolder(s.Root); err != nil {
			row.Bad("root", "root: %v", err)
		}
	}
}

func (s *Scripts) checkMissing(row *schema.Row) {
	switch {
	case s.Root == "" && s.UpstreamRoot == "":
		row.Bad("missing", "missing names a script, and there is no root; write root = \"/srv/www\"")
	case !s.IsScript(s.Missing):
		row.Bad("missing", "missing %q does not have the ending of a script (split: %s)", s.Missing, strings.Join(s.Split, ", "))
	case s.Root != "":
		if st, err := os.Stat(filepath.Join(s.Root, s.Missing)); err != nil || !st.Mode().IsRegular() {
			row.Bad("missing", "missing: there is no file %s", filepath.Join(s.Root, s.Missing))
		}
	}
}

// checkScripts finds settings of FastCGI where another protocol is spoken.
func (r *Route) checkScripts(row *schema.Row) {
	all := r.Balance.All()
	speaks := slices.ContainsFunc(all, Server.runsScripts)
	for _, key := range []string{"root", "upstream_root", "index", "split", "missing", "params", "keep_connections"} {
		if row.Given(key) && !speaks && len(all) > 0 {
			row.Bad(key, "%s is for upstreams of fastcgi:// and fastcgi+unix: alone", key)
		}
	}
	if other := slices.IndexFunc(all, func(s Server) bool { return !s.runsScripts() }); speaks && other >= 0 && r.Scripts.Root+r.Scripts.UpstreamRoot != "" {
		row.Bad("upstreams", "upstreams: %s does not speak FastCGI, and the route runs scripts; give it a route of its own", all[other].At)
	}
}
