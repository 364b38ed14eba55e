package cache

import (
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"strings"

	"github.com/standpipe/standpipe/bridge/cache/rules"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// target is what a request asks for.
type target struct {
	key Key
	url []byte // scheme://host/path?query, as keyed
	// query is that of the URL without ignored parameters; changed: it is not the request's.
	query   string
	changed bool
	known   bool // a field says who the client is
}

// keyRoom is how many bytes of a key need no memory of their own.
const keyRoom = 512

// target reads what r asks for. The URL is in room, or in memory of its own.
func (s *stage) target(rec *httpx.Writer, r *http.Request, room []byte) (t target) {
	info := &rec.Info
	b := append(room[:0], info.Scheme...)
	b = append(b, "://"...)
	host := r.Host
	if host == "" {
		host = info.ServerName
	}
	plain := len(b)
	b = appendHost(b, host, info.Scheme)
	sameHost := string(b[plain:]) == r.Host
	path := httpx.RawPath(r.URL)
	b, samePath := appendSpelled(b, path)
	t.query, t.changed = ignored(s.o.IgnoreQuery).filter(r.URL.RawQuery)
	sameQuery := true
	if t.query != "" || r.URL.ForceQuery && !t.changed {
		b, sameQuery = appendSpelled(append(b, '?'), t.query)
	}
	t.url = b[:len(b):len(b)]
	b = append(append(b, 0), s.o.App...) // several routes may have one URL
	parts := len(b)
	if s.o.Conditions != "" {
		b = appendPart(b, "route", s.o.Conditions)
	}
	if !sameHost { // an app may tell
		b = appendPart(b, "host", r.Host)
	}
	if r.RequestURI != "" && !hasPath(r.RequestURI, path) {
		sent, _, _ := strings.Cut(r.RequestURI, "?")
		b = appendPart(b, "path", sent)
	} else if !samePath {
		b = appendPart(b, "path", path)
	}
	if !sameQuery {
		b = appendPart(b, "query", t.query)
	}
	if info.Prefix != "" || info.ScriptName != "" || info.Named {
		b = appendPart(b, "prefix", info.Prefix)
		b = appendPart(b, "script", info.ScriptName)
		b = appendPart(b, "name", info.ServerName)
	}
	b, t.known = appendSpecial(b, r.Header)
	if len(s.o.Cookies) > 0 {
		b = s.appendCookies(b, r.Header["Cookie"])
	}
	t.key = keyOf(b[:parts], b[parts:])
	return t
}

// hasPath reports whether a target has just that path before its query.
func hasPath(target, path string) bool {
	return strings.HasPrefix(target, path) && (len(target) == len(path) || target[len(path)] == '?')
}

// keyOf is the Key of a URL and its app with the other parts of the key, each of which has its length.
func keyOf(url, others []byte) Key {
	if len(others) == 0 {
		return sha256.Sum256(url)
	}
	h := sha256.New()
	_, _ = h.Write(binary.AppendUvarint(nil, uint64(len(url))))
	_, _ = h.Write(url)
	_, _ = h.Write(others)
	var k Key
	h.Sum(k[:0])
	return k
}

// urlKey is the Key of an app's URL that has no other parts.
func urlKey(app, url string) Key { return keyOf([]byte(url+"\x00"+app), nil) }

// appendPart appends a part of a key with its lengths.
func appendPart(b []byte, name, value string) []byte {
	b = append(binary.AppendUvarint(b, uint64(len(name))), name...)
	return append(binary.AppendUvarint(b, uint64(len(value))), value...)
}

// appendHost appends a host in lower case, without the port that the scheme has anyway.
func appendHost(b []byte, host, scheme string) []byte {
	if scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	} else {
		host = strings.TrimSuffix(host, ":80")
	}
	for i := range len(host) {
		c := host[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}

// oddBytes are those that a path or a query may have in several spellings: clients send some of them encoded and some not, and an
// escape in capitals or not.
var oddBytes = func() (t [256]bool) {
	for c := range t {
		t[c] = c <= ' ' || c >= 0x7f || strings.IndexByte("%\"<>\\^`{|}", byte(c)) >= 0
	}
	return t
}()

// appendSpelled appends a part of a URL in its one spelling (RFC 3986 2, 6.2.2.1), so that what removes one spelling removes all,
// and reports whether it came so.
func appendSpelled(b []byte, part string) (_ []byte, same bool) {
	const digits = "0123456789ABCDEF"
	start := 0
	for same = true; start < len(part) && !oddBytes[part[start]]; {
		start++
	}
	b = append(b, part[:start]...)
	for i := start; i < len(part); i++ {
		switch c := part[i]; {
		case !oddBytes[c]:
			b = append(b, c)
		case c != '%':
			b, same = append(b, '%', digits[c>>4], digits[c&15]), false
		case i+2 < len(part) && isHex(part[i+1]) && isHex(part[i+2]):
			x, y := upper(part[i+1]), upper(part[i+2])
			same = same && x == part[i+1] && y == part[i+2]
			b = append(b, c, x, y)
			i += 2
		default: // no escape
			b = append(b, c)
		}
	}
	return b, same
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

// upper is a digit of an escape as a capital.
func upper(c byte) byte {
	if c >= 'a' {
		return c - ('a' - 'A')
	}
	return c
}

// appendCookies appends the cookies that are part of the key, in the order of their names there, and
// those of one name as they were sent.
func (s *stage) appendCookies(b []byte, lines []string) []byte {
	if len(lines) == 0 {
		return b
	}
	if !rules.PlainCookies(lines) { // an app may find other cookies in it
		for _, line := range lines {
			b = appendPart(b, "cookies", line)
		}
		return b
	}
	for _, name := range s.o.Cookies {
		for _, line := range lines {
			for pair := range strings.SplitSeq(line, ";") {
				n, v, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
				if n == name {
					b = appendPart(b, "cookie "+name, v)
				}
			}
		}
	}
	return b
}

// ignored are parameters of queries that are not part of a key; a * at the end stands for any characters.
type ignored []string

// filter returns a query without the parameters that are ignored. One with a semicolon stays: some
// frameworks take it for the end of a parameter.
func (g ignored) filter(query string) (kept string, changed bool) {
	if query == "" || len(g) == 0 || !g.hasAny(query) {
		return query, false
	}
	var b strings.Builder
	b.Grow(len(query))
	first := true
	for part := range strings.SplitSeq(query, "&") {
		if g.has(part) {
			continue
		}
		if !first {
			b.WriteByte('&')
		}
		first = false
		b.WriteString(part)
	}
	return b.String(), true
}

func (g ignored) hasAny(query string) bool {
	for query != "" {
		part := query
		if end := strings.IndexByte(query, '&'); end >= 0 {
			part, query = query[:end], query[end+1:]
		} else {
			query = ""
		}
		if g.has(part) {
			return true
		}
	}
	return false
}

func (g ignored) has(part string) bool {
	name, value := part, ""
	if end := strings.IndexByte(part, '='); end >= 0 {
		name, value = part[:end], part[end+1:]
	}
	for _, p := range g {
		if most := len(p) - 1; most >= 0 && p[most] == '*' {
			if !strings.HasPrefix(name, p[:most]) {
				continue
			}
		} else if name != p {
			continue
		}
		return name != "" && strings.IndexByte(name, ';') < 0 && strings.IndexByte(value, ';') < 0
	}
	return false
}
