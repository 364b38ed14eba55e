package nginx

import (
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// webSite is a server.
type webSite struct {
	scope    *scope
	block    directive
	hosts    []string // empty: all
	listens  []*listen
	tls      bool       // it has an address of https
	plain    bool       // it has one of http
	unnamed  bool       // none of its names can be one of `hosts`
	redirect *directive // sends all requests to https; nil: there is none
	whole    bool       // and that is all that the server does
	byListen bool       // `redirect_https` of its addresses says that
	routed   bool       // a route says it, with the hosts of the server
	fallback bool       // it takes requests for hosts that no server names
	base     conditions
	also     *webSite // the same server at other addresses, where it has its own hosts alone; nil: there are none
}

// sitesOf are the servers of http, and what they have to do with each other.
func sitesOf(t *translation, http *scope) (out []*webSite) {
	first := map[*listen]*webSite{}
	serves := map[*listen]bool{}
	for _, d := range http.list {
		if d.name != "server" {
			continue
		}
		one := siteOf(t, &scope{list: d.block, around: http}, d)
		out = append(out, one)
		for i, l := range one.listens {
			if first[l] == nil || i < len(one.defaults()) && one.defaults()[i] {
				first[l] = one
			}
			serves[l] = serves[l] || !one.whole
		}
	}
	certificates := slices.ContainsFunc(out, func(s *webSite) bool { _, ok := s.scope.get("ssl_certificate"); return ok && s.tls })
	var fallbacks []*webSite
	for _, one := range out {
		one.byListen = certificates && one.whole && !slices.ContainsFunc(one.listens, func(l *listen) bool { return serves[l] })
		if !one.byListen && slices.ContainsFunc(one.listens, func(l *listen) bool { return first[l] == one }) {
			fallbacks = append(fallbacks, one)
		}
	}
	takeOthers(out, fallbacks, first)
	all := slices.Clone(out)
	for _, one := range out {
		if one.also != nil {
			all = append(all, one.also)
		}
	}
	for i, one := range all {
		one.unnamed = one.unnamed && !one.fallback && len(all) > 1
		one.routed = one.whole && !one.byListen
		for _, other := range all[i+1:] {
			one.apart(other)
			other.apart(one)
		}
	}
	return out
}

// takeOthers has fallbacks take requests for hosts that no server names, at the addresses where they come first.
func takeOthers(all, fallbacks []*webSite, first map[*listen]*webSite) {
	for _, one := range fallbacks {
		alone := !slices.ContainsFunc(all, func(other *webSite) bool { return other != one && !other.byListen && one.shares(other) })
		if guarded(one.block.block) && !alone { // its rules would be those of the others too
			continue
		}
		if len(fallbacks) > 1 {
			if named := one.split(func(l *listen) bool { return first[l] == one }); len(one.hosts) > 0 {
				one.also = named
			}
		}
		one.fallback, one.hosts = true, nil
	}
}

// defaults says of each listen whether it has default_server.
func (s *webSite) defaults() (out []bool) {
	for _, d := range s.scope.list {
		if d.name == "listen" {
			out = append(out, slices.Contains(d.args, "default_server") || slices.Contains(d.args, "default"))
		}
	}
	return out
}

func siteOf(t *translation, s *scope, block directive) *webSite {
	one := &webSite{scope: s, block: block}
	names, _ := s.own("server_name")
	known, left := hosts(names.args)
	for _, name := range left {
		t.d.Missing(names.at, "server_name "+name, "a host is a name, or *.name")
	}
	one.hosts = known
	one.unnamed = len(known) == 0 && len(left) > 0 && len(left) == len(names.args)
	for _, d := range s.list {
		if d.name == "listen" {
			one.listens = append(one.listens, t.listen(d)...)
		}
	}
	if !slices.ContainsFunc(s.list, func(d directive) bool { return d.name == "listen" }) {
		one.listens = append(one.listens, t.listen(directive{name: "listen", args: []string{"80"}, at: block.at})...)
	}
	one.at(one.listens)
	one.redirect = redirectsToHTTPS(s)
	one.whole = one.redirect != nil && !one.tls
	return one
}

// guarded reports whether there are rules about clients in a block.
func guarded(list []directive) bool {
	return slices.ContainsFunc(list, func(d directive) bool {
		return slices.Contains(accessNames, d.name) || d.name == "limit_req" || d.name == "limit_conn" || guarded(d.block)
	})
}

// shares reports whether two servers have an address in common.
func (s *webSite) shares(o *webSite) bool {
	return slices.ContainsFunc(s.listens, func(l *listen) bool { return slices.Contains(o.listens, l) })
}

// split leaves s the addresses that are, and returns the same server with the others; nil: there are none.
func (s *webSite) split(are func(*listen) bool) *webSite {
	rest := slices.DeleteFunc(slices.Clone(s.listens), are)
	if len(rest) == 0 {
		return nil
	}
	other := *s
	other.at(rest)
	s.at(slices.DeleteFunc(slices.Clone(s.listens), func(l *listen) bool { return !are(l) }))
	return &other
}

// at sets the addresses.
func (s *webSite) at(list []*listen) {
	s.listens = list
	s.tls = slices.ContainsFunc(list, func(l *listen) bool { return l.tls })
	s.plain = slices.ContainsFunc(list, func(l *listen) bool { return !l.tls })
}

// apart keeps requests that come to addresses of o alone from the routes of s: by their scheme where that tells the addresses apart.
func (s *webSite) apart(o *webSite) {
	if s.byListen || o.byListen {
		return
	}
	var tls, plain bool
	for _, l := range o.listens {
		if !slices.Contains(s.listens, l) {
			tls, plain = tls || l.tls, plain || !l.tls
		}
	}
	if !tls && !plain {
		return
	}
	s.base.at = s.block.at
	switch {
	case !s.tls && !plain:
		s.base.scheme = "http"
	case !s.plain && !tls:
		s.base.scheme = "https"
	default:
		s.base.listen = s.addresses()
	}
}

func (s *webSite) addresses() (list []string) {
	for _, l := range s.listens {
		if !slices.Contains(list, l.address) {
			list = append(list, l.address)
		}
	}
	return list
}

// readServer reads a server.
func readServer(t *translation, one *webSite) {
	s, known := one.scope, one.hosts
	if one.unnamed {
		t.d.Missing(one.block.at, "server", "it is left out: without `hosts` its routes would be for all requests")
		return
	}
	if d, ok := s.own("http2"); ok && d.arg(0) == "off" {
		for _, l := range one.listens {
			l.noH2 = true
		}
	}
	t.certificate(s)
	t.limits.read(s, "/", known)
	if !one.whole || one.routed {
		t.servers++
	}
	if !one.whole {
		t.gates.listen = nil
		if !one.base.none() {
			t.gates.listen = one.addresses()
		}
		t.gates.read(s, "/", known, true)
	}
	redirect(t, one)
	readRewrites(t, s, one.redirect, known)
	t.scripts = t.php(s, "/", known)
	for _, d := range s.list {
		switch {
		case d.name == "location":
			t.location(&scope{list: d.block, around: s}, d, known)
		case one.redirect != nil && d.at == one.redirect.at:
		case d.name == "error_page" && errorPage(t, s, d):
		case d.name == "return" || d.name == "rewrite" || d.name == "if": // read already
		default:
			leave(t, d)
		}
	}
	readRest(t, one)
	t.base, t.cond = conditions{}, conditions{}
}

// redirect reads what sends requests of a server to https.
func redirect(t *translation, one *webSite) {
	for _, l := range one.listens {
		if one.redirect != nil && !l.tls && (one.byListen || one.tls) {
			l.redirects = true
		} else {
			l.serves = true
		}
	}
	t.base, t.cond = one.base, one.base
	if one.routed {
		if p := makeReturn(t, match{"^~", "/"}, directive{name: "return", args: []string{"301", "https://$host$request_uri"}, at: one.redirect.at}, one.hosts); p != nil {
			p.first = true
			p.table.Set(one.redirect.at, "scheme", "http")
		}
	}
}

// readRest reads what answers where no location of a server does.
func readRest(t *translation, one *webSite) {
	if one.whole || takesRest(one.scope) {
		return
	}
	if _, ok := one.scope.own("root"); ok {
		t.folder(one.scope, match{"", "/"}, one.hosts)
	} else if len(one.hosts) > 0 || !one.base.none() {
		t.closed = append(t.closed, one)
	}
}

// takesRest reports whether a server has an answer for paths that no other location has.
func takesRest(s *scope) bool {
	return slices.ContainsFunc(s.list, func(d directive) bool {
		return d.name == "location" && (d.arg(0) == "/" || d.arg(0) == "^~" && d.arg(1) == "/") || d.name == "return"
	})
}

// closeHosts answers 404 for what the servers of named hosts have no location for, where another server takes all hosts.
func closeHosts(t *translation) {
	if !slices.ContainsFunc(t.places, func(p *place) bool { return len(p.hosts) == 0 }) {
		return
	}
	for _, one := range t.closed {
		t.cond = one.base
		p := newRoute(t, match{"", "/"}, draft.Place{}, one.hosts)
		p.table.Set(draft.Place{}, "respond", 404)
	}
	t.cond = conditions{}
}

// redirectsToHTTPS is the directive that sends all requests of a server by http to https; nil: there is none.
func redirectsToHTTPS(s *scope) *directive {
	var found *directive
	for i, d := range s.list {
		to := d
		switch {
		case d.name == "location" && d.arg(0) == "/" && len(d.args) == 1:
			if inner, ok := (&scope{list: d.block}).own("return"); ok {
				to = inner
			}
		case d.name == "if" && asksHostOrScheme(s, d): // certbot writes one for each name
			if inner, ok := (&scope{list: d.block}).own("return"); ok {
				to = inner
			}
		}
		end := last(to)
		if to.name == "return" && toHTTPS(s, end) || to.name == "rewrite" && (to.arg(0) == "^" || to.arg(0) == "^(.*)$" || to.arg(0) == "^/(.*)$" || to.arg(0) == ".*") && toHTTPS(s, strings.TrimSuffix(to.arg(1), "?")) {
			found = &s.list[i]
		}
	}
	return found
}

// asksHostOrScheme reports whether an if is for requests by http, or for a name of its server.
func asksHostOrScheme(s *scope, d directive) bool {
	ask, ok := testOf(d.args)
	names, _ := s.own("server_name")
	switch {
	case !ok:
	case ask.variable == "host":
		return ask.op == "=" && slices.Contains(names.args, ask.value)
	case ask.variable == "scheme" || ask.variable == "https":
		c, _, err := schemeOf(ask)
		return err == nil && c.scheme == "http"
	}
	return false
}

// toHTTPS reports whether a URL is the request's own, by https.
func toHTTPS(s *scope, url string) bool {
	names, _ := s.get("server_name")
	host, ok := strings.CutPrefix(url, "https://")
	if !ok {
		return false
	}
	for _, end := range []string{"$request_uri", "$uri$is_args$args", "$uri?$args", "$uri", "/$1"} {
		if own, ok := strings.CutSuffix(host, end); ok {
			return slices.Contains([]string{"$host", "$http_host", "$server_name"}, own) || slices.Contains(names.args, own)
		}
	}
	return false
}
