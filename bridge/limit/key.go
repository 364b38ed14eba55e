package limit

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Key is what a limit counts: requests with the same values of all its parts are of one key.
type Key struct{ parts []part }

type part struct {
	kind byte
	name string // of a field, canonical; of a cookie
}

// The kinds of parts.
const (
	byClient = 'c'
	byHeader = 'h'
	byCookie = 'k'
	byPath   = 'p'
	byApp    = 'a'
)

var errKey = errors.New("is not a key; write client, path, app, header:X-API-Key or cookie:session")

// ParseKey reads the parts of a key: client, path, app, header:NAME, cookie:NAME.
func ParseKey(items []string) (Key, error) {
	var k Key
	for _, item := range items {
		kind, name, named := strings.Cut(item, ":")
		p := part{name: name}
		switch strings.ToLower(kind) {
		case "client":
			p.kind = byClient
		case "path":
			p.kind = byPath
		case "app":
			p.kind = byApp
		case "header":
			p.kind, p.name = byHeader, http.CanonicalHeaderKey(name)
		case "cookie":
			p.kind = byCookie
		}
		if p.kind == 0 || named != (p.kind == byHeader || p.kind == byCookie) || named && !token(name) {
			return Key{}, fmt.Errorf("%q %w", item, errKey)
		}
		if strings.EqualFold(p.name, "Host") && p.kind == byHeader {
			return Key{}, fmt.Errorf("%q: the Host of a request is no key, because a client chooses it; a limit has `hosts`", item)
		}
		for _, other := range k.parts {
			if other == p {
				return Key{}, fmt.Errorf("%q: duplicate part; leave one of them out", item)
			}
		}
		k.parts = append(k.parts, p)
	}
	if len(k.parts) == 0 {
		return Key{}, errors.New("there is no part; write client")
	}
	if len(k.parts) > mostParts {
		return Key{}, fmt.Errorf("there are %d parts; at most %d are possible", len(k.parts), mostParts)
	}
	return k, nil
}

const mostParts = 4

// token: RFC 9110 5.6.2, which names of cookies are too (RFC 6265 4.1.1).
func token(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

// String is the key as ParseKey reads it, with commas.
func (k Key) String() string {
	list := make([]string, len(k.parts))
	for i, p := range k.parts {
		switch p.kind {
		case byClient:
			list[i] = "client"
		case byPath:
			list[i] = "path"
		case byApp:
			list[i] = "app"
		case byHeader:
			list[i] = "header:" + p.name
		case byCookie:
			list[i] = "cookie:" + p.name
		}
	}
	return strings.Join(list, ",")
}

// NeedsApp reports whether the key has the app that answers.
func (k Key) NeedsApp() bool {
	for _, p := range k.parts {
		if p.kind == byApp {
			return true
		}
	}
	return false
}

// subject is a request, as keys see it.
type subject struct {
	info *httpx.RequestInfo
	r    *http.Request
	app  string
	bits int // of an IPv6 address that count
	hash uint64
}

// client is the network of the client; invalid: it is not known, as on a unix socket.
func (s *subject) client() netip.Prefix {
	a := s.info.Peer.Addr()
	if s.info.Trusted { // a proxy, which names the client
		a, _ = netip.ParseAddr(s.info.RemoteAddr)
		a = httpx.PlainAddr(a)
	}
	return network(a, s.bits)
}

// network is what counts as one client.
func network(a netip.Addr, bits int) netip.Prefix {
	if a = a.Unmap(); !a.Is6() {
		bits = a.BitLen()
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// hash is the key's hash, which is never 0.
func (k *Key) hash(by secret, s *subject) uint64 {
	var all uint64
	for i := range k.parts {
		h := k.parts[i].hash(by, s)
		if i > 0 {
			h += (all<<7 | all>>57) * 0x9E3779B97F4A7C15
		}
		all = h
	}
	return max(all, 1)
}

func (p *part) hash(by secret, s *subject) uint64 {
	switch p.kind {
	case byPath:
		return sum(by, s.r.URL.Path)
	case byApp:
		return sum(by, s.app)
	case byHeader:
		if values := s.r.Header[p.name]; len(values) > 0 {
			all := sum(by, values[0])
			for _, v := range values[1:] {
				all = all*31 + sum(by, v)
			}
			return all + 1 // a field that is an address is no client
		}
	case byCookie:
		if v, ok := cookie(s.r.Header["Cookie"], p.name); ok {
			return sum(by, v) + 1
		}
	}
	return clientHash(by, s.client())
}

func clientHash(by secret, p netip.Prefix) uint64 {
	a := p.Addr().As16() // IPv4 as ::ffff:a.b.c.d, a network that no client has; all 0: unknown
	return sum(by, a[:])
}

// cookie is the value of the first cookie of that name.
func cookie(lines []string, name string) (string, bool) {
	for _, line := range lines {
		for line != "" {
			var item string
			item, line, _ = strings.Cut(line, ";")
			item = strings.TrimLeft(item, " \t")
			if len(item) > len(name) && item[len(name)] == '=' && item[:len(name)] == name {
				return strings.TrimRight(item[len(name)+1:], " \t"), true
			}
		}
	}
	return "", false
}

// text is the key for people. Values of fields and cookies, which may be secrets, are the first 16
// digits of their SHA-256.
func (k *Key) text(s *subject) string {
	list := make([]string, len(k.parts))
	for i, p := range k.parts {
		kind, value := p.value(s)
		switch kind {
		case byHeader, byCookie:
			sum := sha256.Sum256([]byte(value))
			list[i] = p.name + " sha256:" + hex.EncodeToString(sum[:8])
		default:
			list[i] = value
		}
	}
	return strings.Join(list, " ")
}

// digest is the key for a store that others share, in 32 digits. It holds no value in the clear.
func (k *Key) digest(s *subject) string {
	h := sha256.New()
	for _, p := range k.parts {
		kind, value := p.value(s)
		fmt.Fprintf(h, "%c%s\x00%d\x00%s", kind, p.name, len(value), value)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// value is the part's value. A request without the field or the cookie is counted by its client.
func (p *part) value(s *subject) (kind byte, value string) {
	switch p.kind {
	case byPath:
		return byPath, s.r.URL.Path
	case byApp:
		return byApp, s.app
	case byHeader:
		if values := s.r.Header[p.name]; len(values) > 0 {
			return byHeader, strings.Join(values, "\n")
		}
	case byCookie:
		if v, ok := cookie(s.r.Header["Cookie"], p.name); ok {
			return byCookie, v
		}
	}
	c := s.client()
	switch {
	case !c.IsValid():
		return byClient, "unknown"
	case c.IsSingleIP():
		return byClient, c.Addr().String()
	}
	return byClient, c.String()
}
