package proxy

import (
	"net/http"
	"net/netip"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Key is what an upstream is chosen by: the same key leads to the same one; empty: the request has none.
type Key func(r *http.Request, n *httpx.RequestInfo) string

// ClientKey is the client's address; of IPv6 its network of 64 bits, in which a client changes its address.
func ClientKey(_ *http.Request, n *httpx.RequestInfo) string {
	a, err := netip.ParseAddr(n.RemoteAddr)
	if err != nil {
		return n.RemoteAddr
	}
	if a = a.Unmap(); a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// URIKey is the request's target: its path and its query.
func URIKey(r *http.Request, _ *httpx.RequestInfo) string { return r.URL.RequestURI() }

// FieldKey is the value of a request's field.
func FieldKey(name string) Key {
	return func(r *http.Request, _ *httpx.RequestInfo) string { return r.Header.Get(name) }
}

// CookieKey is the value of a request's cookie.
func CookieKey(name string) Key {
	return func(r *http.Request, _ *httpx.RequestInfo) string {
		c, err := r.Cookie(name)
		if err != nil {
			return ""
		}
		return c.Value
	}
}

// key is that of the request.
func (q *request) key() string {
	switch {
	case q.h.Sticky != nil:
		return q.h.Sticky.Read(q.r)
	case q.h.Key != nil:
		return q.h.Key(q.r, q.info)
	}
	return ""
}
