package route

import (
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// hosts are the names that a route answers for.
type hosts []Pattern

func newHosts(names []string) (hosts, error) {
	out := make(hosts, 0, len(names))
	for _, name := range names {
		p, err := NewPattern("", name)
		if err != nil {
			return nil, err
		}
		if p.Host == "" {
			return nil, nil // every host
		}
		out = append(out, p)
	}
	return out, nil
}

func (h hosts) have(host string) bool {
	for i := range h {
		if h[i].host(host) {
			return true
		}
	}
	return false
}

func (h hosts) String() string {
	names := make([]string, len(h))
	for i, p := range h {
		names[i] = p.Host
	}
	return "hosts " + strings.Join(names, " ")
}

// methods are the names of methods, which are case-sensitive (RFC 9110 9.1).
type methods []string

func (m methods) holds(q query) bool {
	method := q.r.Method
	if slices.Contains(m, method) {
		return true
	}
	return method == http.MethodHead && slices.Contains(m, http.MethodGet)
}

func (m methods) String() string { return "methods " + strings.Join(m, " ") }

// addresses are addresses of the server.
type addresses []string

func (a addresses) holds(q query) bool { return slices.Contains(a, q.at) }

func (a addresses) String() string { return "listen " + strings.Join(a, " ") }

// scheme is the scheme that the client used.
type scheme string

func (s scheme) holds(q query) bool { return q.info.Scheme == string(s) }

func (s scheme) String() string { return "scheme " + string(s) }

// exact are whole paths.
type exact []string

func (e exact) holds(q query) bool { return slices.Contains(e, q.path) }

func (e exact) String() string { return "path_exact " + strings.Join(e, " ") }

// expressions are globs or regular expressions of the path.
type expressions struct {
	key   string
	texts []string
	list  []*regexp.Regexp
}

func (e expressions) holds(q query) bool {
	for _, re := range e.list {
		if re.MatchString(q.path) {
			return true
		}
	}
	return false
}

func (e expressions) String() string { return e.key + " " + strings.Join(e.texts, " ") }

// clients are networks. A client without an address (a unix socket) is in none of them.
type clients []netip.Prefix

func (c clients) holds(q query) bool {
	addr, err := netip.ParseAddr(q.info.RemoteAddr)
	if err != nil {
		return false
	}
	addr = httpx.PlainAddr(addr)
	for i := range c {
		if c[i].Contains(addr) {
			return true
		}
	}
	return false
}

func (c clients) String() string {
	texts := make([]string, len(c))
	for i, p := range c {
		texts[i] = p.String()
	}
	return "clients " + strings.Join(texts, " ")
}

// field is a field of the head; each of its lines is a value.
type field struct{ *pattern }

func (f field) holds(q query) bool {
	for _, v := range q.r.Header[f.name] {
		if f.fits(v) {
			return !f.not
		}
	}
	return f.not
}

func (f field) String() string { return "match_fields " + f.pattern.String() }

// parameter is a parameter of the query, decoded.
type parameter struct{ *pattern }

func (p parameter) holds(q query) bool {
	for rest := q.r.URL.RawQuery; rest != ""; {
		var one string
		one, rest, _ = strings.Cut(rest, "&")
		name, value, _ := strings.Cut(one, "=")
		if plain(name) == p.name && p.fits(plain(value)) {
			return !p.not
		}
	}
	return p.not
}

func (p parameter) String() string { return "match_query " + p.pattern.String() }

// plain decodes a name or a value of a query. One that cannot be decoded is taken as it is.
func plain(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	if out, err := url.QueryUnescape(s); err == nil {
		return out
	}
	return s
}
