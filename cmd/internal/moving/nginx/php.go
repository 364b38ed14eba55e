package nginx

import (
	"path"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// isPHP reports whether a location is the one that passes PHP on: a pattern with an ending of PHP.
func isPHP(d directive) bool {
	return d.name == "location" && len(d.args) > 1 && strings.HasPrefix(d.arg(0), "~") && strings.Contains(d.arg(1), ".php") &&
		slices.ContainsFunc(d.block, func(inner directive) bool { return inner.name == "fastcgi_pass" })
}

// php makes the [[route]] of a server, or of a location at uri, that has a location for PHP. It returns the folder of the scripts; empty:
// there is none.
func (t *translation) php(s *scope, uri string, hosts []string) (dir string) {
	i := slices.IndexFunc(s.list, isPHP)
	if i < 0 {
		return ""
	}
	inner := &scope{list: s.list[i].block, around: s}
	pass, _ := inner.own("fastcgi_pass")
	front := s
	if uri == "/" {
		for _, d := range s.list {
			if d.name == "location" && d.arg(0) == "/" {
				front = &scope{list: d.block, around: s}
			}
		}
	}
	try, tries := front.get("try_files")
	if _, other := passOf(front); other || tries && strings.HasPrefix(last(try), "@") {
		t.d.Missing(s.list[i].at, short("location "+strings.Join(s.list[i].args, " ")), "PHP shares its paths with another server; give it a path of its own, as in docs/fastcgi.md%s", within(s.list[i]))
		return ""
	}
	made := t.route(inner, pass, match{"", uri}, hosts)
	if made == nil {
		return ""
	}
	table := made.table
	dir, strip, at := scriptsDir(inner, uri)
	if dir == "" || strings.Contains(dir, "$") {
		t.d.Missing(pass.at, pass.String(), "the folder of the scripts is not known; write root = \"...\" into the route")
		return dir
	}
	table.Set(at, "root", t.paths.File(dir))
	if strip {
		table.Set(at, "strip_prefix", true)
	}
	setIndex(s, table)
	if tries && !slices.ContainsFunc(try.args[:len(try.args)-1], func(a string) bool { return strings.HasPrefix(a, "$uri/") }) {
		table.Set(try.at, "index", []string{}) // files alone are looked for
	}
	if tries {
		script, _, _ := strings.Cut(last(try), "?")
		script, _, _ = strings.Cut(script, "$is_args")
		if strip {
			script = "/" + strings.TrimPrefix(strings.TrimPrefix(script, strings.TrimSuffix(uri, "/")), "/")
		}
		if strings.HasSuffix(script, ".php") && !strings.Contains(script, "$") {
			table.Set(try.at, "missing", path.Clean(script))
		}
	}
	setParams(t, inner, table)
	return dir
}

// last is the last argument of a directive.
func last(d directive) string {
	if len(d.args) == 0 {
		return ""
	}
	return d.args[len(d.args)-1]
}

// scriptsDir is the folder of the scripts. strip: the path is below it without uri.
func scriptsDir(s *scope, uri string) (dir string, strip bool, at draft.Place) {
	for around := s; around != nil; around = around.around {
		if d, ok := around.own("alias"); ok {
			return strings.TrimSuffix(d.arg(0), "/"), strings.Trim(uri, "/") != "", d.at
		}
		if d, ok := around.own("root"); ok {
			return d.arg(0), false, d.at
		}
	}
	return "", false, at
}

// setIndex takes the names of index that are the same here.
func setIndex(s *scope, table *draft.Table) {
	d, ok := s.get("index")
	if !ok {
		return
	}
	names := slices.DeleteFunc(slices.Clone(d.args), func(name string) bool { return strings.ContainsAny(name, "/$") })
	if len(names) > 0 && !slices.Equal(names, []string{"index.php", "index.html"}) {
		table.Set(d.at, "index", names)
	}
}

// setParams takes the variables that are not set by themselves.
func setParams(t *translation, s *scope, table *draft.Table) {
	var list []draft.Pair
	var at draft.Place
	for _, d := range s.list {
		switch name, value := d.arg(0), d.arg(1); {
		case d.name != "fastcgi_param" || strings.HasPrefix(value, "$") || name == "REDIRECT_STATUS" || name == "GATEWAY_INTERFACE" || name == "SERVER_SOFTWARE":
		case strings.Contains(value, "$") || strings.HasPrefix(name, "HTTP_"):
			t.none(d)
		default:
			list, at = append(list, draft.Pair{Name: name, Value: value}), d.at
		}
	}
	if len(list) > 0 {
		table.Set(at, "params", list)
	}
}
