package target

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// Find returns the places of a regular expression's groups in a decoded path, as regexp.FindStringSubmatchIndex does; nil:
// the expression is not found there.
type Find func(path string) []int

// Parts are what placeholders stand for.
type Parts struct {
	Scheme, Host string
	Path         string // encoded
	Query        string
	Groups       []string // encoded; the first is that of {1}
}

// PartsOf are the parts of a request. find is nil where no placeholder stands for a group. Not ok: the request has no such
// parts, and cannot be served.
func PartsOf(r *http.Request, n *httpx.RequestInfo, find Find) (p Parts, ok bool) {
	p = Parts{Scheme: n.Scheme, Host: r.Host, Path: httpx.RawPath(r.URL), Query: r.URL.RawQuery}
	if find == nil {
		return p, true
	}
	raw := httpx.OneSlash(p.Path) // as it was matched
	path, err := url.PathUnescape(raw)
	if err != nil {
		return p, false
	}
	places := find(path)
	if places == nil { // an encoded slash stands beside a slash
		return p, false
	}
	at := rawPlaces(raw)
	for i := 2; i+1 < len(places); i += 2 {
		group := ""
		if places[i] >= 0 {
			group = raw[at[places[i]]:at[places[i+1]]]
		}
		p.Groups = append(p.Groups, group)
	}
	return p, true
}

// rawPlaces are the places in an encoded path at which the bytes of the decoded one begin, and its end.
func rawPlaces(raw string) []int {
	at := make([]int, 0, len(raw)+1)
	for i := 0; i < len(raw); i++ {
		at = append(at, i)
		if raw[i] == '%' {
			i += 2
		}
	}
	return append(at, len(raw))
}

// of is what a placeholder stands for.
func (p *Parts) of(name string) string {
	switch name {
	case "scheme":
		return p.Scheme
	case "host":
		return p.Host
	case "path":
		return p.Path
	case "query":
		return p.Query
	}
	if i := int(name[0] - '1'); i < len(p.Groups) {
		return p.Groups[i]
	}
	return ""
}

// goodHost reports whether the host may stand in a URL.
func (p *Parts) goodHost() bool { return p.Host != "" && cgi.ValidHost(p.Host) }

// visible are bytes that may stand unencoded in a path or a query, beside letters and digits (RFC 3986 3.3, 3.4).
const visible = "-._~!$&'()*+,;=:@/%"

// encode encodes the bytes of s that no URL has. Those that are encoded stay so.
func encode(s string, query bool) string {
	good := func(i int) bool {
		c := s[i]
		switch {
		case c == '%':
			return i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2])
		case c == '?':
			return query
		}
		return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || strings.IndexByte(visible, c) >= 0
	}
	var out []byte // nil: nothing has changed yet
	for i := range len(s) {
		switch ok := good(i); {
		case ok && out != nil:
			out = append(out, s[i])
		case !ok:
			if out == nil {
				out = append(make([]byte, 0, len(s)+8), s[:i]...)
			}
			out = append(out, '%', upperHex[s[i]>>4], upperHex[s[i]&15])
		}
	}
	if out == nil {
		return s
	}
	return string(out)
}

const upperHex = "0123456789ABCDEF"

func isHex(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' }
