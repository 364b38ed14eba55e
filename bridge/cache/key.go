package cache

import (
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"strings"

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
	sameHost := string(b[plain:]) == host
	path := httpx.RawPath(r.URL)
	b = append(b, path...)
	t.query, t.changed = s.filter(r.URL.RawQuery)
	if t.query != "" || r.URL.ForceQuery && !t.changed {
		b = append(append(b, '?'), t.query...)
	}
	t.url = b[:len(b):len(b)]
	b = append(append(b, 0), s.o.App...) // several routes may have one URL
	parts := len(b)
	if s.o.Conditions != "" {
		b = appendPart(b, "route", s.o.Conditions)
	}
	if !sameHost { // an app may tell
		b = appendPart(b, "host", host)
	}
	if r.RequestURI != "" && !hasPath(r.RequestURI, path) {
		sent, _, _ := strings.Cut(r.RequestURI, "?")
		b = appendPart(b, "path", sent)
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

// appendCookies appends the cookies that are part of the key, in the order of their names there, and
// those of one name as they were sent.
func (s *stage) appendCookies(b []byte, lines []string) []byte {
	if len(lines) == 0 {
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

// filter returns a query without the parameters that are ignored. One with a semicolon stays: some
// frameworks take it for the end of a parameter.
func (s *stage) filter(query string) (kept string, changed bool) {
	if query == "" || len(s.o.IgnoreQuery) == 0 || !s.ignoresAny(query) {
		return query, false
	}
	var b strings.Builder
	b.Grow(len(query))
	first := true
	for part := range strings.SplitSeq(query, "&") {
		if s.ignores(part) {
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

func (s *stage) ignoresAny(query string) bool {
	for query != "" {
		part := query
		if end := strings.IndexByte(query, '&'); end >= 0 {
			part, query = query[:end], query[end+1:]
		} else {
			query = ""
		}
		if s.ignores(part) {
			return true
		}
	}
	return false
}

func (s *stage) ignores(part string) bool {
	name, value := part, ""
	if end := strings.IndexByte(part, '='); end >= 0 {
		name, value = part[:end], part[end+1:]
	}
	for _, p := range s.o.IgnoreQuery {
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
