package nginx

import (
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// guard reads the access control of a location, which has made the places from the number from on. What [[access]] can say, which matches by
// the beginning of the path, goes there. Of a pattern, networks become conditions of its routes. What nothing can say is refused.
func guard(t *translation, s *scope, d directive, m match, hosts []string, from int) {
	denied, all := deniesAll(s)
	if _, returns := s.own("return"); returns && (m.how == "=" || m.isRegex()) {
		return // nginx comes to it first
	}
	switch {
	case all && (m.how == "=" || m.isRegex()):
		refuse(t, s, from, m, hosts, denied.at)
		return
	case m.isRegex() || m.how == "=" && sharesPath(s.around, m):
		ofRoutes(t, s, d, m, hosts, from)
	default:
		t.gates.read(s, m.uri, hosts, false)
	}
	limitMethods(t, s, m, hosts, from)
}

// sharesPath reports whether [[access]] cannot tell the path of m from that of another location, or from all.
func sharesPath(s *scope, m match) bool {
	trimmed := strings.Trim(m.uri, "/")
	return trimmed == "" || slices.ContainsFunc(s.list, func(d directive) bool {
		other := matchOf(d)
		return d.name == "location" && other != m && !other.isRegex() && strings.Trim(other.uri, "/") == trimmed
	})
}

// refuse makes one route that answers 403 of all that a location has made.
func refuse(t *translation, s *scope, from int, m match, hosts []string, at draft.Place) {
	t.places = t.places[:from]
	p := newRoute(t, m, at, hosts)
	p.table.Set(at, "respond", 403)
	t.changes(s, p.table)
}

// ofRoutes makes conditions of routes of the access control of a location.
func ofRoutes(t *translation, s *scope, d directive, m match, hosts []string, from int) {
	for _, name := range []string{"auth_basic", "auth_request"} {
		if own, ok := s.own(name); ok && own.arg(0) != "off" {
			t.d.Missing(own.at, own.String(), "[[access]] matches by the beginning of the path; until %s is protected in another way, it is refused here", short("location "+strings.Join(d.args, " ")))
			refuse(t, s, from, m, hosts, own.at)
			return
		}
	}
	one := &gate{}
	rules := t.gates.rules(s.list, one)
	if len(rules) == 0 {
		return
	}
	var nets []string
	allows, denies := 0, 0
	end := rules[len(rules)-1]
	if end.text == "all" {
		rules = rules[:len(rules)-1]
	} else {
		end = rule{text: "all", allow: true}
	}
	for _, r := range rules {
		nets = append(nets, r.text)
		if r.allow {
			allows++
		} else {
			denies++
		}
	}
	switch {
	case slices.Contains(nets, "unix") || allows > 0 && denies > 0 || end.allow && allows > 0 || !end.allow && denies > 0:
		t.d.Missing(one.at, short("location "+strings.Join(d.args, " ")), "its allow and deny are no single list, which `clients` in [[route]] could have; until they are, it is refused here")
		refuse(t, s, from, m, hosts, one.at)
	case end.allow && denies > 0:
		p := newRoute(t, m, one.at, hosts)
		p.table.Set(one.at, "respond", 403)
		p.table.Set(one.at, "clients", nets)
		p.before = true
	case !end.allow:
		narrow(t, from, conditions{at: one.at, clients: nets})
		newRoute(t, m, one.at, hosts).table.Set(one.at, "respond", 403)
	}
}

// narrow adds conditions to the places from the number from on.
func narrow(t *translation, from int, more conditions) {
	for _, p := range t.places[from:] {
		if both, ok := p.cond.and(more); ok {
			p.cond = both
		}
	}
}

// limitMethods reads limit_except: other methods are for some clients alone, or for none.
func limitMethods(t *translation, s *scope, m match, hosts []string, from int) {
	d, ok := s.own("limit_except")
	if !ok || from == len(t.places) {
		return
	}
	inner := &scope{list: d.block}
	var allowed []string
	for _, r := range t.gates.rules(d.block, &gate{}) {
		if r.allow && r.net.IsValid() {
			allowed = append(allowed, r.text)
		}
	}
	_, all := inner.own("deny")
	if !all || slices.ContainsFunc(d.block, func(one directive) bool { return one.name != "allow" && one.name != "deny" }) {
		t.none(d)
		return
	}
	made := slices.Clone(t.places[from:])
	narrow(t, from, conditions{at: d.at, methods: d.args})
	if len(allowed) > 0 {
		for _, p := range made {
			other := *p
			other.table = &draft.Table{}
			other.table.Copy(p.table)
			other.table.Within(p.table)
			other.cond.methods, other.cond.clients, other.cond.at = nil, allowed, d.at
			t.places = append(t.places, &other)
		}
	}
	newRoute(t, m, d.at, hosts).table.Set(d.at, "respond", 403)
}

// makeInternal reads a location that clients do not reach: its files are for X-Accel-Redirect.
func makeInternal(t *translation, s *scope, own, d directive, m match, hosts []string) {
	p := newRoute(t, m, own.at, hosts)
	p.table.Set(own.at, "respond", 404)
	t.changes(s, p.table)
	rest(t, d)
	if pass, ok := passOf(s); ok {
		t.d.Missing(pass.at, pass.String(), "X-Accel-Redirect leads to files alone ([[internal]]); clients get 404 here, as in nginx")
		return
	}
	dir, at := dirOf(s, m)
	if m.how == "=" || m.isRegex() || dir == "" || strings.Contains(dir, "$") || m.path() == "/" {
		return // pages of error_page
	}
	for _, table := range t.d.All("[[internal]]") {
		if table.Is("url", m.path()) {
			return
		}
	}
	table := t.d.Add("[[internal]]")
	table.Remark("For files that an [[app]] sends by X-Accel-Redirect; that field of another server's answer passes unchanged.")
	table.Set(at, "url", m.path())
	table.Set(at, "dir", cleanDir(t.paths.File(dir)))
	present(t, at, table.Text("dir"))
}
