package nginx

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// place is a [[static]] or a [[route]] that is being made.
type place struct {
	table  *draft.Table
	match  match
	path   string
	hosts  []string
	static bool
	closed bool // a name that the folder does not have is 404
	first  bool // it comes before every location
	before bool // it comes before others of its match
	folder bool // a folder that is a route
	passes bool // another server answers

	fallback string // the page that answers for names that the folder does not have
}

// location reads a location.
func (t *translation) location(s *scope, d directive, hosts []string) {
	m := matchOf(d)
	if strings.HasPrefix(m.uri, "@") {
		return // where try_files names it
	}
	for _, inner := range d.block {
		if inner.name == "location" {
			t.location(&scope{list: inner.block, around: s}, inner, hosts)
		}
	}
	title := strings.TrimSpace("location " + strings.Join(d.args, " "))
	if leftOut(t, s, d, title) {
		return
	}
	denied, all := deniesAll(s)
	readGate(t, s, d, m, hosts)
	t.limits.read(s, m.path(), hosts)
	var pass *place
	passed := t.php(s, m.path(), hosts) != ""
	if to, ok := passOf(s); ok && !passed {
		if pass = t.route(s, to, m, hosts); pass != nil && to.name == "fastcgi_pass" {
			setParams(t, s, pass.table)
		}
		passed = pass != nil
	}
	makeRewrites(t, s, m, pass, hosts)
	_, alias := s.own("alias")
	_, root := s.get("root")
	if !passed {
		answer(t, s, d, m, hosts)
	}
	for _, inner := range d.block {
		switch {
		case inner.name == "return" || inner.name == "rewrite" || inner.name == "location" || inner.name == "add_header" && !passed && (alias || root):
		case all && inner.at == denied.at:
		case !t.general(inner) && !structural[inner.name]:
			t.none(inner)
		}
	}
}

// readGate reads the access control of a location.
func readGate(t *translation, s *scope, d directive, m match, hosts []string) {
	_, all := deniesAll(s)
	switch {
	case all && (m.how == "=" || m.isRegex()): // answer makes its route
	case m.how == "=":
		t.gates.refuse(d.block, "a location for one path")
	case m.isRegex():
		t.gates.refuse(d.block, "a location for a pattern")
	default:
		t.gates.read(s, m.uri, hosts, false)
	}
}

// leftOut reports whether a location is not translated as one, and says why where a person has to know.
func leftOut(t *translation, s *scope, d directive, title string) bool {
	how := d.arg(0)
	pattern := len(d.args) > 1 && (how == "~" || how == "~*")
	switch {
	case len(d.args) > 1 && how == "=" && asks(s, d.arg(1)): // forward_auth asks its upstream
	case isPHP(d): // php has made its route
		rest(t, d)
		t.gates.refuse(d.block, "a location for PHP")
	case pattern && isDotDeny(d):
	default:
		_, err := matchOf(d).regex()
		if !pattern || err == nil {
			return false
		}
		t.d.Missing(d.at, short(title), "path_regex in [[route]] has RE2's expressions, which do not look ahead or back%s", within(d))
	}
	return true
}

// answer reads a location that asks no other server.
func answer(t *translation, s *scope, d directive, m match, hosts []string) {
	_, alias := s.own("alias")
	_, root := s.get("root")
	back, returns := s.own("return")
	_, denies := deniesAll(s)
	switch {
	case returns && m.path() == "/" && m.how == "" && toHTTPS(s, last(back)): // redirect_https
	case returns:
		makeReturn(t, m, back, hosts)
	case denies && (m.how == "=" || m.isRegex()):
		newRoute(t, m, d.at, hosts).table.Set(d.at, "respond", 403)
	case (alias || root) && (m.how == "=" || m.isRegex()):
		makeFiles(t, s, d, m, hosts)
	case alias || root:
		t.folder(s, m, hosts)
	}
}

// within says what is in a location that is left out.
func within(d directive) string {
	for _, inner := range d.block {
		if strings.HasSuffix(inner.name, "_pass") || inner.name == "expires" || inner.name == "root" || inner.name == "deny" {
			return " (" + short(inner.String()) + ")"
		}
	}
	return ""
}

func passOf(s *scope) (directive, bool) {
	for _, name := range []string{"proxy_pass", "uwsgi_pass", "fastcgi_pass"} {
		if d, ok := s.own(name); ok {
			return d, true
		}
	}
	return directive{}, false
}

// rest names what a location has beside what was translated.
func rest(t *translation, d directive) {
	for _, inner := range d.block {
		if !t.general(inner) && !structural[inner.name] {
			t.none(inner)
		}
	}
}

// route makes a [[route]]; nil: it cannot be made.
func (t *translation) route(s *scope, pass directive, m match, hosts []string) *place {
	to, err := t.targetOf(pass)
	if err != nil {
		t.d.Missing(pass.at, pass.String(), "%s", err.Error())
		return nil
	}
	p := newRoute(t, m, pass.at, hosts)
	p.passes = true
	r, uri := p.table, m.path()
	to.write(r, pass.at)
	switch rewrites, _ := s.own("rewrite"); {
	case to.uri == "" || to.uri == uri || rewrites.name != "": // nginx leaves out the URI of proxy_pass behind a rewrite
	case m.isRegex():
	case m.how == "=":
		r.Set(pass.at, "rewrite", to.uri)
	case strings.Trim(to.uri, "/") == "":
		r.Set(pass.at, "strip_prefix", true)
	case strings.HasSuffix(to.uri, "/") == strings.HasSuffix(uri, "/"):
		r.Set(pass.at, "replace_prefix", strings.TrimSuffix(to.uri, "/"))
	default:
		t.d.Missing(pass.at, pass.String(), "one of the two paths ends with a slash, so that nginx joins the rest in another way; replace_prefix in [[route]] replaces whole segments")
	}
	if host, ok := s.get("proxy_set_header"); to.remote && (!ok || !setsHost(s)) {
		t.d.Missing(cmp.Or(host.at, pass.at), pass.String(), "the upstream gets the client's Host; nginx sends the one of proxy_pass unless proxy_set_header Host says otherwise")
	}
	for _, key := range []string{"connect_timeout", "send_timeout", "read_timeout"} {
		for _, kind := range []string{"proxy_", "uwsgi_", "fastcgi_"} {
			if d, ok := s.get(kind + key); ok && strings.HasPrefix(pass.name, kind) {
				if v, ok := seconds(d.arg(0)); ok {
					r.Set(d.at, key, v)
				}
			}
		}
	}
	for name, key := range map[string]string{"request_buffering": "request_buffering", "buffering": "response_buffering"} {
		for _, kind := range []string{"proxy_", "uwsgi_", "fastcgi_"} {
			if d, ok := s.get(kind + name); ok && d.arg(0) == "off" {
				r.Set(d.at, key, "off")
			}
		}
	}
	setCache(t, s, pass, m, r)
	t.changes(s, r)
	return p
}

func setsHost(s *scope) bool {
	for ; s != nil; s = s.around {
		for _, d := range s.list {
			if d.name == "proxy_set_header" && strings.EqualFold(d.arg(0), "host") {
				return true
			}
		}
	}
	return false
}

// folder makes a [[static]] of alias or root.
func (t *translation) folder(s *scope, m match, hosts []string) {
	dir, at, uri := "", draft.Place{}, m.uri
	if d, ok := s.own("alias"); ok {
		dir, at = d.arg(0), d.at
	} else if d, ok := s.get("root"); ok {
		dir, at = path.Join(d.arg(0), strings.Trim(uri, "/")), d.at
	}
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
	t.fields(s, table)
	t.places = append(t.places, p)
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
	if len(index) > 0 {
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

// fields reads expires and add_header of a folder.
func (t *translation) fields(s *scope, table *draft.Table) {
	if d, ok := s.get("expires"); ok {
		age, known := seconds(d.arg(0))
		switch d.arg(0) {
		case "max":
			age, known = "315360000s", true
		case "off":
			known = false
		case "-1", "epoch", "0":
			age, known = "no-cache", true
		}
		if known {
			table.Set(d.at, "cache_control", []draft.Pair{{Name: "*", Value: age}})
		} else if d.arg(0) != "off" {
			t.none(d)
		}
	}
	var fields []draft.Pair
	var at draft.Place
	for _, d := range s.list {
		switch {
		case d.name != "add_header" || len(d.args) < 2 || strings.EqualFold(d.arg(0), "Strict-Transport-Security"):
		case strings.Contains(d.arg(1), "$"):
			t.none(d)
		case strings.EqualFold(d.arg(0), "Cache-Control") && !table.Has("cache_control"):
			table.Set(d.at, "cache_control", []draft.Pair{{Name: "*", Value: d.arg(1)}})
		case strings.EqualFold(d.arg(0), "Cache-Control") || strings.EqualFold(d.arg(0), "Pragma") || strings.EqualFold(d.arg(0), "Vary"):
			t.none(d)
		default:
			fields, at = append(fields, draft.Pair{Name: d.arg(0), Value: d.arg(1)}), d.at
		}
	}
	if len(fields) > 0 {
		table.Set(at, "headers", fields)
	}
}

// sameHost reports whether one host may be in both lists; an empty one has all.
func sameHost(a, b []string) bool {
	return len(a) == 0 || len(b) == 0 || slices.ContainsFunc(a, func(h string) bool { return slices.Contains(b, h) })
}

// yes is 1 where the first alone is true, -1 where the second alone is.
func yes(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// write puts folders and routes into the file: routes in the order that they match in, those of hosts and longer paths first.
func (t *translation) write() {
	if t.servers == 1 { // it answers for all hosts, whatever its names are
		for _, p := range t.places {
			p.hosts = nil
			p.table.Unset("hosts")
		}
	}
	foldersAsRoutes(t)
	slices.SortStableFunc(t.places, func(a, b *place) int {
		return cmp.Or(cmp.Compare(min(len(b.hosts), 1), min(len(a.hosts), 1)), -yes(a.first, b.first), cmp.Compare(a.match.rank(), b.match.rank()), cmp.Compare(len(b.path), len(a.path)),
			-yes(a.before, b.before), -yes(a.folder, b.folder))
	})
	seen := map[string]bool{}
	for _, p := range t.places {
		key := strings.Join(append([]string{p.path, p.table.Text("path_exact"), p.table.Text("path_regex")}, p.hosts...), " ")
		if p.static {
			key += " static"
		}
		if p.passes {
			key += " upstreams"
		}
		if seen[key] {
			continue // the same site at another address
		}
		seen[key] = true
		heading := "[[route]]"
		if p.static {
			heading = "[[static]]"
			// Folders come before routes: one that closed its path would hide them.
			hides := slices.ContainsFunc(t.places, func(other *place) bool {
				return !other.static && strings.HasPrefix(other.path, strings.TrimSuffix(p.path, "/")) && sameHost(p.hosts, other.hosts)
			})
			if p.closed && !hides {
				p.table.Set(draft.Place{}, "missing", "404")
			} else {
				p.table.Set(draft.Place{}, "missing", "app")
			}
		}
		t.d.Insert(heading, p.table)
	}
}
