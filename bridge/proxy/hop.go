package proxy

import (
	"net/http"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// endsHere reports whether a field belongs to one connection, whether or not a Connection field names it (RFC 9110 7.6.1,
// 11.7).
func endsHere(name string) bool {
	switch len(name) {
	case len("Te"):
		return strings.EqualFold(name, "Te")
	case len("Trailer"): // and Upgrade
		return strings.EqualFold(name, "Trailer") || strings.EqualFold(name, "Upgrade")
	case len("Connection"): // and Keep-Alive
		return strings.EqualFold(name, "Connection") || strings.EqualFold(name, "Keep-Alive")
	case len("Proxy-Connection"):
		return strings.EqualFold(name, "Proxy-Connection")
	case len("Transfer-Encoding"):
		return strings.EqualFold(name, "Transfer-Encoding")
	case len("Proxy-Authenticate"):
		return strings.EqualFold(name, "Proxy-Authenticate")
	case len("Proxy-Authorization"):
		return strings.EqualFold(name, "Proxy-Authorization")
	}
	return false
}

// isOurs reports whether an upstream has to get a field from this server or not at all: what says who the client is;
// HTTP2-Settings, which belongs to "Upgrade: h2c" (RFC 7540 3.2.1); and Proxy, which a script behind an upstream reads as
// its own outgoing proxy ("httpoxy").
func isOurs(name string) bool {
	switch name {
	case "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Http2-Settings", "Proxy":
		return true
	}
	return false
}

// hasToken reports whether a list has an item, without regard to case.
func hasToken(values []string, token string) bool {
	for _, v := range values {
		for item := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.Trim(item, " \t"), token) {
				return true
			}
		}
	}
	return false
}

// protocolOf is the protocol that a message changes to, or asks for (RFC 9110 7.8); empty: none.
func protocolOf(h http.Header) string {
	if v := h["Upgrade"]; len(v) > 0 && hasToken(h["Connection"], "Upgrade") {
		return v[0]
	}
	return ""
}

// forwarded appends the fields of a client's request that end at no hop, in the client's spelling. odd: also those with an
// underscore in their names.
func forwarded(list []httpx.Field, h http.Header, n *httpx.RequestInfo, odd bool) []httpx.Field {
	named := h["Connection"]
	for name, values := range h {
		switch {
		case endsHere(name), isOurs(name), name == "X-Request-Id", named != nil && hasToken(named, name), !odd && strings.Contains(name, "_"):
			continue
		}
		name = n.Spelling(name)
		for _, v := range values {
			list = append(list, httpx.Field{Name: name, Value: v})
		}
	}
	if protocol := protocolOf(h); protocol != "" {
		list = append(list, httpx.Field{Name: "Connection", Value: "Upgrade"}, httpx.Field{Name: "Upgrade", Value: protocol})
	}
	if te := h["Te"]; te != nil && hasToken(te, "trailers") {
		list = append(list, httpx.Field{Name: "TE", Value: "trailers"})
	}
	return list
}
