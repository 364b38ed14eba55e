package nginx

import (
	"fmt"
	"regexp"
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

	fallback string       // the page that answers for names that the folder does not have
	always   []draft.Pair // fields of all responses of a folder
	cond     conditions
	tail     int // it comes behind all others of its server, the later ones first; 0: it does not
	seq      int // the number of its location: patterns are asked in the order of the file
}

// addPlace adds a place of the location that is being read.
func addPlace(t *translation, p *place) {
	p.cond, p.seq = t.cond, t.seq
	t.places = append(t.places, p)
}

// location reads a location.
func (t *translation) location(s *scope, d directive, hosts []string) {
	m := matchOf(d)
	if strings.HasPrefix(m.uri, "@") {
		if !triedBy(s.around, m.uri) { // else it is read where try_files names it
			t.d.Missing(d.at, "location "+m.uri, "no try_files leads there; `error_page` names a file for standpipe's own errors, and answers of upstreams pass unchanged")
		}
		return
	}
	for _, inner := range d.block {
		if inner.name == "location" {
			t.location(&scope{list: inner.block, around: s}, inner, hosts)
		}
	}
	title := strings.TrimSpace("location " + strings.Join(d.args, " "))
	if leftOut(t, s, d, title, hosts) {
		return
	}
	t.seq++
	if own, ok := s.own("internal"); ok {
		makeInternal(t, s, own, d, m, hosts)
		return
	}
	denied, all := deniesAll(s)
	t.limits.read(s, m.path(), hosts)
	withNumbers(s, m)
	whole, first := s, len(t.places)
	s, behind := branches(t, s, d, m, hosts)
	from := len(t.places)
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
	_, answered := s.own("return")
	if !passed {
		answer(t, s, d, m, hosts)
	}
	behind(from)
	guard(t, whole, d, m, hosts, first)
	for _, inner := range d.block {
		if all && inner.at == denied.at || inner.name == "add_header" && !passed && (alias || root) {
			continue
		}
		nameLeft(t, inner, passed, answered)
	}
}

// nameLeft names a directive of a location, unless it is read.
func nameLeft(t *translation, inner directive, passed, answered bool) {
	switch {
	case inner.name == "return" || inner.name == "rewrite" || inner.name == "location" || inner.name == "if":
	case idle(inner, passed, answered):
		t.d.Missing(inner.at, short(inner.String()), "not needed: the requests of this location are answered in another way")
	case !ofLocation(t, inner) && !structural[inner.name]:
		t.none(inner)
	}
}

// idle reports whether a directive has no effect in a location that another server or a fixed answer is for.
func idle(d directive, passed, returns bool) bool {
	switch d.name {
	case "root", "alias", "index", "autoindex":
		return passed || returns
	}
	return returns && (strings.HasSuffix(d.name, "_pass") || strings.HasSuffix(d.name, "_timeout") || strings.HasSuffix(d.name, "_buffering"))
}

// triedBy reports whether a try_files in a server leads to a location with a name.
func triedBy(s *scope, name string) bool {
	var has func(list []directive) bool
	has = func(list []directive) bool {
		for _, d := range list {
			if d.name == "try_files" && last(d) == name || has(d.block) {
				return true
			}
		}
		return false
	}
	for ; s != nil; s = s.around {
		if has(s.list) {
			return true
		}
	}
	return false
}

// makesContent reports whether a location answers by a module of nginx that has no equivalent.
func makesContent(s *scope) bool {
	return slices.ContainsFunc(s.list, func(d directive) bool {
		switch d.name {
		case "stub_status", "empty_gif", "perl", "js_content", "content_by_lua", "content_by_lua_block", "content_by_lua_file", "api", "grpc_pass", "scgi_pass", "memcached_pass", "random_index":
			return true
		}
		return false
	})
}

// withNumbers puts numbers in the place of the names of groups.
func withNumbers(s *scope, m match) {
	text, err := m.regex()
	if err != nil || !m.isRegex() {
		return
	}
	for i, name := range regexp.MustCompile(text).SubexpNames() {
		if name != "" {
			s.list = with(s.list, name, fmt.Sprintf("$%d", i))
		}
	}
}

// leftOut reports whether a location is not translated as one, and says why where a person has to know.
func leftOut(t *translation, s *scope, d directive, title string, hosts []string) bool {
	how := d.arg(0)
	pattern := len(d.args) > 1 && (how == "~" || how == "~*")
	switch {
	case len(d.args) > 1 && how == "=" && asks(s, d.arg(1)): // forward_auth asks its upstream
		if own, ok := s.own("internal"); ok {
			newRoute(t, matchOf(d), own.at, hosts).table.Set(own.at, "respond", 404)
		}
	case isPHP(d): // php has made its route
		rest(t, d)
		t.gates.refuse(d.block, "a location for PHP")
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
	case makesContent(s): // none names it; a folder is not what answers there
		p := newRoute(t, m, d.at, hosts)
		p.table.Set(d.at, "respond", 404)
	case returns:
		answerReturn(t, s, m, back, hosts)
	case denies && (m.how == "=" || m.isRegex()): // guard makes its route
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
		if !ofLocation(t, inner) && !structural[inner.name] {
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
	case to.rewrite != "" && groupOf.MatchString(pass.arg(0)) && !m.isRegex():
		t.d.Missing(pass.at, pass.String(), "its groups belong to no pattern here")
	case to.rewrite != "":
		r.Set(pass.at, "rewrite", to.rewrite)
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
	if pass.name == "proxy_pass" && !setsHost(s) {
		t.d.Missing(pass.at, pass.String(), "the upstream gets the client's Host; nginx sends the one of proxy_pass unless proxy_set_header Host says otherwise")
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
	scriptName(t, s, pass, m, r)
	setCache(t, s, pass, m, r)
	t.changes(s, r)
	return p
}

// scriptName reads uwsgi_param SCRIPT_NAME of a location of this path: an app below a path.
func scriptName(t *translation, s *scope, pass directive, m match, r *draft.Table) {
	for _, d := range s.list {
		if pass.name == "uwsgi_pass" && d.name == "uwsgi_param" && d.arg(0) == "SCRIPT_NAME" && !m.isRegex() && m.how != "=" && strings.Trim(d.arg(1), "/") == strings.Trim(m.uri, "/") {
			r.Set(d.at, "strip_prefix", true)
			t.done[d.at] = append(t.done[d.at], d.String())
		}
	}
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
