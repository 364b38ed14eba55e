package httpx

import "net/http"

// Field names are compared without regard to case (RFC 9110 5.1), but not by every program:
// some compare with the spelling of the field's own document. net/http writes each name in
// one form ("Sec-Websocket-Key", "Etag"). Spell restores names that have another usual form,
// so that a field is forwarded as its sender most likely wrote it.

// spelled are the names whose spelling is not net/http's: those of the IANA registry that
// programs exchange, and some usual ones. Never written to.
var spelled = func() map[string]string {
	m := map[string]string{}
	for _, name := range [...]string{
		"A-IM", "Accept-CH", "ALPN", "CDN-Cache-Control", "CDN-Loop", "Content-DPR", "Content-ID", "Content-MD5", "CSP", "DASL", "DAV", "DNT", "DPoP",
		"DPoP-Nonce", "DPR", "ECT", "ETag", "Expect-CT", "HTTP2-Settings", "IM", "MIME-Version", "NEL", "OData-EntityId", "OData-Isolation",
		"OData-MaxVersion", "OData-Version", "OSLC-Core-Version", "P3P", "PICS-Label", "RTT", "Sec-CH-DPR", "Sec-CH-UA", "Sec-CH-UA-Arch",
		"Sec-CH-UA-Bitness", "Sec-CH-UA-Full-Version", "Sec-CH-UA-Full-Version-List", "Sec-CH-UA-Mobile", "Sec-CH-UA-Model", "Sec-CH-UA-Platform",
		"Sec-CH-UA-Platform-Version", "Sec-CH-UA-WoW64", "Sec-CH-Viewport-Width", "Sec-CH-Width", "Sec-GPC", "Sec-WebSocket-Accept",
		"Sec-WebSocket-Extensions", "Sec-WebSocket-Key", "Sec-WebSocket-Protocol", "Sec-WebSocket-Version", "SOAPAction", "SourceMap", "TCN", "TE",
		"TTL", "WWW-Authenticate", "X-API-Key", "X-API-Version", "X-CSRF-Token", "X-CSRFToken", "X-DNS-Prefetch-Control", "X-SourceMap",
		"X-UA-Compatible", "X-UIDH", "X-WebKit-CSP", "X-XSRF-TOKEN", "X-XSS-Protection",
		"traceparent", "tracestate", // W3C Trace Context, "Header Name"
	} {
		m[http.CanonicalHeaderKey(name)] = name
	}
	return m
}()

// Spelling is the usual spelling of a name in net/http's form.
func Spelling(name string) string {
	if own, ok := spelled[name]; ok {
		return own
	}
	return name
}

// Spell moves the fields of from, whose names are net/http's, that have another spelling
// to to, with that. Both may be the same.
func Spell(to, from http.Header) {
	for name, values := range from {
		if own := Spelling(name); own != name {
			delete(from, name)
			to[own] = values
		}
	}
}
