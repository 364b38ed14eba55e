package nginx

import (
	"net/http"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/bridge/fields"
	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// folder makes a [[static]] of alias or root.
func (t *translation) folder(s *scope, m match, hosts []string) {
	uri := m.uri
	if isFile(t, s, m) {
		makeFiles(t, s, directive{name: "location", args: []string{"=", uri}}, match{"=", uri}, hosts)
		return
	}
	dir, at := dirOf(s, m)
	if uri == "/" && dir != "" && dir == t.scripts {
		return // the route of PHP serves its files
	}
	if dir == "" || strings.Contains(dir, "$") {
		t.d.Missing(at, "root or alias "+dir, "the folder has variables, or no name")
		return
	}
	table := &draft.Table{}
	p := &place{table: table, match: m, path: uri, hosts: hosts, static: true, closed: true}
	table.Set(at, "url", uri)
	table.Set(at, "dir", cleanDir(t.paths.File(dir)))
	if len(hosts) > 0 {
		table.Set(draft.Place{}, "hosts", hosts)
	}
	ofFolders(s, table)
	if d, ok := s.get("try_files"); ok {
		t.tryFiles(s, d, p, hosts)
	}
	present(t, at, table.Text("dir"))
	p.always = t.fields(s, table)
	addPlace(t, p)
}

// ofFolders reads what answers for folders beneath a folder.
func ofFolders(s *scope, table *draft.Table) {
	index := []string{"index.html"}
	where := draft.Place{}
	if d, ok := s.get("index"); ok {
		index, where = nil, d.at
		for _, name := range d.args {
			if !strings.ContainsAny(name, "/$") && !strings.HasSuffix(name, ".php") {
				index = append(index, name)
			}
		}
	}
	if d, ok := s.get("try_files"); ok && !slices.ContainsFunc(d.args[:max(0, len(d.args)-1)], func(a string) bool { return strings.HasPrefix(a, "$uri/") }) {
		index, where = []string{}, d.at // files alone are looked for
	}
	if len(index) > 0 || where.Line > 0 {
		table.Set(where, "index", index)
	}
	if d, ok := s.get("autoindex"); ok && d.arg(0) == "on" {
		table.Set(d.at, "listing", true)
	}
}

// tryFiles reads what answers for a name that the folder does not have.
func (t *translation) tryFiles(s *scope, d directive, p *place, hosts []string) {
	end := last(d)
	switch {
	case end == "=404":
	case strings.HasPrefix(end, "@"):
		p.closed = false
		for around := s; around != nil; around = around.around {
			for _, l := range around.list {
				if l.name != "location" || l.arg(0) != end {
					continue
				}
				inner := &scope{list: l.block, around: around}
				if pass, ok := passOf(inner); ok {
					t.route(inner, pass, match{"", p.path}, hosts)
				}
				rest(t, l)
				t.gates.refuse(l.block, "a location without a path")
				return
			}
		}
	case p.path == "/" && path.Clean(end) == end && strings.HasPrefix(end, "/") && !strings.Contains(end, "$") && strings.HasSuffix(end, ".html"):
		p.fallback = end
	default:
		p.closed = false
		t.d.Missing(d.at, d.String(), "a name that the folder does not have goes to the app (or is 404); missing = \"/index.html\" names a page that answers for all of them")
	}
}

// fields reads expires and add_header of a folder. always are fields of error pages too.
func (t *translation) fields(s *scope, table *draft.Table) (always []draft.Pair) {
	age, where := expires(t, s)
	if age != "" {
		table.Set(where, "cache_control", []draft.Pair{{Name: "*", Value: age}})
	}
	var list []draft.Pair
	var at draft.Place
	for _, d := range fieldsOf(s) {
		name := http.CanonicalHeaderKey(d.arg(0))
		switch {
		case d.name != "add_header" || len(d.args) < 2 || name == "Strict-Transport-Security":
		case name == "Cache-Control" && !strings.Contains(d.arg(1), "$"):
			if age != "" { // one field here, two there
				age = strings.TrimPrefix(maxAge(age)+", "+d.arg(1), ", ")
			} else {
				age = d.arg(1)
			}
			table.Set(d.at, "cache_control", []draft.Pair{{Name: "*", Value: age}})
			t.done[d.at] = append(t.done[d.at], d.String())
		case name == "X-Content-Type-Options" && strings.EqualFold(d.arg(1), "nosniff"): // files have it by themselves
			t.done[d.at] = append(t.done[d.at], d.String())
		case strings.Contains(d.arg(1), "$") || d.arg(1) == "" || slices.Contains(ofFiles, name):
			t.none(d)
		case len(d.args) > 2 && d.arg(2) == "always" && fields.MayChange(d.arg(0), true) == nil:
			always = append(always, draft.Pair{Name: d.arg(0), Value: d.arg(1)})
			t.done[d.at] = append(t.done[d.at], d.String())
		default:
			list, at = append(list, draft.Pair{Name: d.arg(0), Value: d.arg(1)}), d.at
			t.done[d.at] = append(t.done[d.at], d.String())
		}
	}
	if len(list) > 0 {
		table.Set(at, "headers", list)
	}
	return always
}

// ofFiles are fields that responses with files have anyway, or get from a key of their own.
var ofFiles = []string{"Accept-Ranges", "Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Range", "Content-Type", "Date", "Etag", "Expires",
	"Keep-Alive", "Last-Modified", "Location", "Pragma", "Trailer", "Transfer-Encoding", "Upgrade", "Vary", "X-Content-Type-Options"}

// expires is the value of cache_control that expires says; empty: it says nothing.
func expires(t *translation, s *scope) (value string, at draft.Place) {
	d, ok := s.get("expires")
	if !ok || last(d) == "off" {
		return "", at
	}
	switch d.arg(0) {
	case "max":
		return "315360000s", d.at
	case "-1", "epoch", "0":
		return "no-cache", d.at
	}
	age, known := seconds(d.arg(0))
	if !known || len(d.args) > 1 {
		t.none(d)
		return "", at
	}
	return age, d.at
}

// maxAge is a value of expires as Cache-Control has it.
func maxAge(age string) string {
	if n, ok := strings.CutSuffix(age, "s"); ok && strings.Trim(n, "0123456789.") == "" {
		n, _, _ = strings.Cut(n, ".")
		return "max-age=" + n
	}
	return age
}

// isFile reports whether a beginning of paths has one file, as in location /favicon.ico { alias DIR/favicon.ico; }.
func isFile(t *translation, s *scope, m match) bool {
	if m.how != "" && m.how != "^~" || strings.HasSuffix(m.uri, "/") {
		return false
	}
	name := ""
	if d, ok := s.own("alias"); ok {
		name = d.arg(0)
	} else if d, ok := s.get("root"); ok {
		name = path.Join(d.arg(0), m.uri)
	}
	if strings.Contains(name, "$") || strings.HasSuffix(name, "/") {
		return false
	}
	info, err := os.Stat(t.paths.Here(name))
	if err == nil {
		return !info.IsDir()
	}
	return path.Ext(name) != "" && path.Ext(name) == path.Ext(m.uri) // it is read on another machine
}

// present tells a folder that is not there: the server does not start without it.
func present(t *translation, at draft.Place, quoted string) {
	dir, err := strconv.Unquote(quoted)
	if err != nil || strings.ContainsAny(dir, "$") || t.absent[dir] {
		return
	}
	if _, err := os.Stat(t.paths.There(dir)); os.IsNotExist(err) {
		t.absent[dir] = true
		t.d.Missing(at, "the folder "+dir, "it is not on this machine; standpipe starts when all folders are there: make it, or take its table out")
	}
}

// dirOf is the folder of a beginning of paths.
func dirOf(s *scope, m match) (dir string, at draft.Place) {
	if d, ok := s.own("alias"); ok {
		return d.arg(0), d.at
	}
	if d, ok := s.get("root"); ok {
		return path.Join(d.arg(0), strings.Trim(m.uri, "/")), d.at
	}
	return "", at
}
