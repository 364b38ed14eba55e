package httpx

// Spelling is a field's name as its registration or its users write it, for names that net/http writes otherwise: field
// names have no case (RFC 9110 5.1), but not every program knows that. name is net/http's canonical form.
func Spelling(name string) string {
	if s, ok := spellings[name]; ok {
		return s
	}
	return name
}

// spellings is never written to.
var spellings = map[string]string{
	"Alpn":                       "ALPN",
	"Cdn-Cache-Control":          "CDN-Cache-Control",
	"Content-Md5":                "Content-MD5",
	"Dnt":                        "DNT",
	"Etag":                       "ETag",
	"Expect-Ct":                  "Expect-CT",
	"Nel":                        "NEL",
	"Sec-Ch-Ua":                  "Sec-CH-UA",
	"Sec-Ch-Ua-Arch":             "Sec-CH-UA-Arch",
	"Sec-Ch-Ua-Bitness":          "Sec-CH-UA-Bitness",
	"Sec-Ch-Ua-Full-Version":     "Sec-CH-UA-Full-Version",
	"Sec-Ch-Ua-Mobile":           "Sec-CH-UA-Mobile",
	"Sec-Ch-Ua-Model":            "Sec-CH-UA-Model",
	"Sec-Ch-Ua-Platform":         "Sec-CH-UA-Platform",
	"Sec-Ch-Ua-Platform-Version": "Sec-CH-UA-Platform-Version",
	"Sec-Gpc":                    "Sec-GPC",
	"Sec-Websocket-Accept":       "Sec-WebSocket-Accept",
	"Sec-Websocket-Extensions":   "Sec-WebSocket-Extensions",
	"Sec-Websocket-Key":          "Sec-WebSocket-Key",
	"Sec-Websocket-Protocol":     "Sec-WebSocket-Protocol",
	"Sec-Websocket-Version":      "Sec-WebSocket-Version",
	"Soapaction":                 "SOAPAction",
	"Sourcemap":                  "SourceMap",
	"Te":                         "TE",
	"Www-Authenticate":           "WWW-Authenticate",
	"X-Csrf-Token":               "X-CSRF-Token",
	"X-Csrftoken":                "X-CSRFToken",
	"X-Dns-Prefetch-Control":     "X-DNS-Prefetch-Control",
	"X-Ua-Compatible":            "X-UA-Compatible",
	"X-Xsrf-Token":               "X-XSRF-TOKEN",
	"X-Xss-Protection":           "X-XSS-Protection",
}

// Respell writes the names of h as their users do.
func Respell(h map[string][]string) {
	for name, values := range h {
		if s := Spelling(name); s != name {
			delete(h, name)
			h[s] = values
		}
	}
}
