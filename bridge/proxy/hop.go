package proxy

import (
	"net/http"
	"strings"
)

// endsHere reports whether a field, with net/http's spelling, belongs to one connection, whether or not a Connection field
// names it (RFC 9110 7.6.1, 11.7).
func endsHere(name string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
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

// removeNamed removes the fields that a Connection field names.
func removeNamed(h http.Header, connection []string) {
	for _, v := range connection {
		for name := range strings.SplitSeq(v, ",") {
			if name = strings.Trim(name, " \t"); name != "" {
				delete(h, http.CanonicalHeaderKey(name))
			}
		}
	}
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

var (
	noAgent   = []string{""} // keeps net/http from adding its own
	trailers  = []string{"trailers"}
	upgrading = []string{"Upgrade"}
)

// forwarded are the fields of a client's request that an upstream gets: a map of its own, with the client's values.
func forwarded(h http.Header) http.Header {
	out := make(http.Header, len(h)+4) // tellHTTP adds some
	for name, values := range h {
		if !endsHere(name) && !isOurs(name) {
			out[name] = values
		}
	}
	if connection := h["Connection"]; connection != nil {
		removeNamed(out, connection)
		if protocol := protocolOf(h); protocol != "" {
			out["Connection"], out["Upgrade"] = upgrading, []string{protocol}
		}
	}
	if hasToken(h["Te"], "trailers") {
		out["Te"] = trailers
	}
	if out["User-Agent"] == nil {
		out["User-Agent"] = noAgent
	}
	return out
}
