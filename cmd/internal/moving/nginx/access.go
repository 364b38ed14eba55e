package nginx

import (
	"cmp"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/bridge/access"
	"github.com/standpipe/standpipe/bridge/netset"
	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// gates makes [[access]]. In nginx the rules of a block take the place of those around it; here a request passes every table
// for it. So each place gets the rules that hold there, and a table around it leaves it out (except).
type gates struct {
	t      *translation
	places []*gate
	listen []string // the addresses of the server that is read; none: all
}

// gate is what holds in one place.
type gate struct {
	path  string
	hosts []string

	listen []string // addresses; none: all

	at    draft.Place
	table *draft.Table // without path, hosts, listen and except
	said  string       // its rules; empty: everybody may come
	kinds int          // of rules

	server bool // it is what a server says outside of its locations
}

// beside reports whether two places are of the same hosts and addresses.
func (one *gate) beside(other *gate) bool {
	return slices.Equal(one.hosts, other.hosts) && slices.Equal(one.listen, other.listen)
}

func (one *gate) says(rules ...any) {
	one.said += fmt.Sprintln(rules...)
	one.kinds++
}

// accessNames are the directives that read reads.
var accessNames = []string{"allow", "deny", "satisfy", "auth_basic", "auth_basic_user_file", "auth_request", "auth_request_set"}

// read reads what holds in a server or a location.
func (g *gates) read(s *scope, path string, hosts []string, server bool) {
	one := &gate{server: server, path: "/" + strings.Trim(path, "/"), hosts: hosts, listen: g.listen, table: &draft.Table{}}
	g.lists(s, one)
	if d, ok := s.get("auth_basic"); ok && d.arg(0) != "off" {
		file, ok := s.get("auth_basic_user_file")
		if !ok || strings.Contains(file.arg(0), "$") {
			g.t.d.Missing(d.at, d.String(), "its auth_basic_user_file is not here, or has variables: `auth_users` in [[access]]")
		} else {
			one.table.Set(file.at, "auth_users", g.t.paths.File(file.arg(0)))
			if access.CheckRealm(d.arg(0)) == nil {
				one.table.Set(d.at, "auth_realm", d.arg(0))
			}
			one.at = cmp.Or(one.at, d.at)
			one.says("password", file.arg(0), d.arg(0))
		}
	}
	g.service(s, one)
	if d, ok := s.get("satisfy"); ok && d.arg(0) == "any" && one.kinds > 1 {
		one.table.Set(d.at, "satisfy", "any")
		one.says("any")
	}
	for _, other := range g.places {
		switch {
		case other.path != one.path || !other.beside(one):
		case other.said == one.said: // the same site at another address
			return
		case path == "/" && other.server: // the server's location / is all that its other locations are not
			*other = *one
			return
		default:
			g.t.d.Missing(one.at, "the rules of "+path, "another server of the same name has other ones there, which count")
			return
		}
	}
	g.places = append(g.places, one)
}

// rule is an allow or a deny.
type rule struct {
	net   netip.Prefix // invalid: unix or all
	text  string
	allow bool
}

// has reports whether r has all addresses of other.
func (r rule) has(other rule) bool {
	return r.text == "all" || r.text == other.text || r.net.IsValid() && other.net.IsValid() && r.net.Bits() <= other.net.Bits() && r.net.Overlaps(other.net)
}

// ruleOf reads a line.
func ruleOf(d directive) (r rule, err error) {
	r = rule{text: strings.TrimSuffix(d.arg(0), ":"), allow: d.name == "allow"}
	if r.text == "all" || r.text == "unix" {
		return r, nil
	}
	if p, err := netip.ParsePrefix(r.text); err == nil {
		r.text = p.Masked().String() // nginx ignores bits behind the length
	}
	r.net, err = netset.Parse(r.text)
	return r, err
}

// rules reads the allow and deny of a block. The first that matches counts there, the most specific one here: what never
// matches is left out.
func (g *gates) rules(list []directive, one *gate) (rules []rule) {
	for _, d := range list {
		if d.name != "allow" && d.name != "deny" {
			continue
		}
		one.at = cmp.Or(one.at, d.at)
		r, err := ruleOf(d)
		switch {
		case err != nil:
			g.t.d.Missing(d.at, d.String(), "it is no address or network")
		case !slices.ContainsFunc(rules, func(before rule) bool { return before.has(r) }):
			rules = append(rules, r)
		case r.text != "all":
			g.t.d.Missing(d.at, d.String(), "not needed: a line before it has the address, and the first one counts in nginx")
		}
	}
	return rules
}

// lists reads allow and deny: those of the nearest block that has some.
func (g *gates) lists(s *scope, one *gate) {
	for ; s != nil && !slices.ContainsFunc(s.list, func(d directive) bool { return d.name == "allow" || d.name == "deny" }); s = s.around {
	}
	if s == nil {
		return
	}
	var denied, allowed []string
	all := false
	for _, r := range g.rules(s.list, one) {
		all = all || r.text == "all"
		if r.allow {
			allowed = append(allowed, r.text)
		} else {
			denied = append(denied, r.text)
		}
	}
	switch {
	case !all && len(allowed) > 0:
		allowed = append(allowed, "all") // what no line has may come there
	case slices.Equal(allowed, []string{"all"}):
		allowed = nil // as it is without
	case len(allowed) > 0 && len(denied) > 0 && denied[len(denied)-1] == "all":
		denied = denied[:len(denied)-1] // as it is with allow
	}
	if len(allowed) > 0 {
		one.table.Set(one.at, "allow", allowed)
	}
	if len(denied) > 0 {
		one.table.Set(one.at, "deny", denied)
	}
	if len(allowed)+len(denied) > 0 {
		one.says("lists", allowed, denied)
	}
}

// service reads auth_request: the location that it names passes the question on.
func (g *gates) service(s *scope, one *gate) {
	d, ok := s.get("auth_request")
	if !ok || d.arg(0) == "off" {
		return
	}
	url := ""
	if inner := locationOf(s, d.arg(0)); inner != nil {
		if pass, ok := inner.own("proxy_pass"); ok {
			if to, err := g.t.targetOf(pass); err == nil && !strings.Contains(to.addresses[0], "+unix:") {
				url = to.addresses[0] + cmp.Or(to.uri, d.arg(0))
			}
		}
	}
	if url == "" {
		g.t.d.Missing(d.at, d.String(), "its location has no proxy_pass with a fixed address: `forward_auth` in [[access]]")
		return
	}
	one.at = cmp.Or(one.at, d.at)
	one.table.Set(d.at, "forward_auth", url)
	var fields []string
	for around := s; around != nil; around = around.around {
		for _, set := range around.list {
			name, ok := strings.CutPrefix(set.arg(1), "$upstream_http_")
			if set.name != "auth_request_set" {
				continue
			}
			name = http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
			if !ok || !sends(s, name, set.arg(0)) {
				g.t.d.Missing(set.at, set.String(), "a field of the service's answer reaches the app under its own name: `forward_auth_fields`")
			} else if !slices.Contains(fields, name) {
				fields = append(fields, name)
			}
		}
	}
	if len(fields) > 0 {
		one.table.Set(d.at, "forward_auth_fields", fields)
	}
	one.says("service", url, fields)
}

// sends reports whether a variable is sent to the app as a field of this name.
func sends(s *scope, name, variable string) bool {
	for ; s != nil; s = s.around {
		for _, d := range s.list {
			if d.name == "proxy_set_header" && http.CanonicalHeaderKey(d.arg(0)) == name && d.arg(1) == variable {
				return true
			}
		}
	}
	return false
}

// locationOf is the location of a path in the blocks around; nil: there is none.
func locationOf(s *scope, path string) *scope {
	for ; s != nil; s = s.around {
		for _, d := range s.list {
			if d.name == "location" && len(d.args) > 0 && d.args[len(d.args)-1] == path {
				return &scope{list: d.block, around: s}
			}
		}
	}
	return nil
}

// asks reports whether a location is the one of an auth_request: nobody but the server asks it.
func asks(s *scope, path string) bool {
	for ; s != nil; s = s.around {
		for _, d := range s.list {
			if d.name == "auth_request" && d.arg(0) == path {
				return true
			}
			for _, inner := range d.block {
				if d.name == "location" && inner.name == "auth_request" && inner.arg(0) == path {
					return true
				}
			}
		}
	}
	return false
}

// refuse names the rules of a block that is not translated.
func (g *gates) refuse(list []directive, what string) {
	for _, d := range list {
		if slices.Contains(accessNames, d.name) && d.name != "auth_request_set" {
			g.t.d.Missing(d.at, d.String(), "%s has no equivalent in [[access]], which matches by the beginning of the path; protect this location in another way", what)
		}
	}
}

// write puts the tables into the file.
func (g *gates) write(servers int) {
	if servers == 1 { // it answers for all hosts
		for _, one := range g.places {
			one.hosts = nil
		}
	}
	for _, one := range g.places {
		if one.said == "" || g.around(one) != nil && g.around(one).said == one.said {
			continue
		}
		var except []string
		for _, inner := range g.places {
			if inner != one && inner.said != one.said && g.around(inner) != nil && (g.around(inner) == one || g.around(inner).said == one.said && access.PathUnder(inner.path, one.path)) && inner.beside(one) {
				except = append(except, inner.path)
			}
		}
		table := g.t.d.Add("[[access]]")
		if one.path != "/" {
			table.Set(one.at, "path", one.path)
		}
		if len(one.hosts) > 0 {
			table.Set(draft.Place{}, "hosts", one.hosts)
		}
		if len(one.listen) > 0 {
			table.Set(draft.Place{}, "listen", one.listen)
		}
		if len(except) > 0 {
			table.Set(draft.Place{}, "except", except)
		}
		table.Copy(one.table)
	}
}

// around is the place that has this one, and is nearest to it; nil: there is none.
func (g *gates) around(one *gate) (nearest *gate) {
	for _, other := range g.places {
		if other != one && other.path != one.path && other.beside(one) && access.PathUnder(one.path, other.path) && (nearest == nil || len(other.path) > len(nearest.path)) {
			nearest = other
		}
	}
	return nearest
}
