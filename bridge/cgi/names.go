package cgi

// variable returns the variable for a canonical field name; ok is false when the
// field does not become a variable.
//
// Only letters, digits and "-" make a variable: "-" becomes "_", so a name that
// holds "_" itself could take the place of another field (X_Forwarded_For for
// X-Forwarded-For), and r.Header, a Go map, would make the winner random. Other
// token characters (RFC 9110 5.6.2) have no shell-safe spelling; they are dropped
// as nginx drops them.
func variable(field string) (name string, ok bool) {
	if v, known := common[field]; known {
		return v, v != ""
	}
	b := make([]byte, 5, 5+len(field))
	copy(b, "HTTP_")
	for i := range len(field) {
		c := field[i]
		switch {
		case c >= 'a' && c <= 'z':
			c -= 'a' - 'A'
		case c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '-':
			c = '_'
		default:
			return "", false
		}
		b = append(b, c)
	}
	return string(b), len(field) > 0
}

// common spares an allocation for the fields that nearly every request has. The
// empty string means: not handed on. Never written to.
var common = map[string]string{
	// Said by other variables: CONTENT_TYPE, CONTENT_LENGTH, HTTP_HOST.
	"Content-Type":   "",
	"Content-Length": "",
	"Host":           "",
	// A script reads HTTP_PROXY as its own outgoing proxy ("httpoxy").
	"Proxy": "",
	// Between the client and this server only (RFC 9110 7.6.1): the body is
	// decoded, 100 has been sent, the connection is ours.
	"Connection":        "",
	"Expect":            "",
	"Keep-Alive":        "",
	"Proxy-Connection":  "",
	"Te":                "",
	"Trailer":           "",
	"Transfer-Encoding": "",
	"Upgrade":           "",

	"Accept":                    "HTTP_ACCEPT",
	"Accept-Encoding":           "HTTP_ACCEPT_ENCODING",
	"Accept-Language":           "HTTP_ACCEPT_LANGUAGE",
	"Authorization":             "HTTP_AUTHORIZATION",
	"Cache-Control":             "HTTP_CACHE_CONTROL",
	"Cookie":                    "HTTP_COOKIE",
	"Dnt":                       "HTTP_DNT",
	"Forwarded":                 "HTTP_FORWARDED",
	"If-Match":                  "HTTP_IF_MATCH",
	"If-Modified-Since":         "HTTP_IF_MODIFIED_SINCE",
	"If-None-Match":             "HTTP_IF_NONE_MATCH",
	"Origin":                    "HTTP_ORIGIN",
	"Pragma":                    "HTTP_PRAGMA",
	"Priority":                  "HTTP_PRIORITY",
	"Range":                     "HTTP_RANGE",
	"Referer":                   "HTTP_REFERER",
	"Sec-Ch-Ua":                 "HTTP_SEC_CH_UA",
	"Sec-Ch-Ua-Mobile":          "HTTP_SEC_CH_UA_MOBILE",
	"Sec-Ch-Ua-Platform":        "HTTP_SEC_CH_UA_PLATFORM",
	"Sec-Fetch-Dest":            "HTTP_SEC_FETCH_DEST",
	"Sec-Fetch-Mode":            "HTTP_SEC_FETCH_MODE",
	"Sec-Fetch-Site":            "HTTP_SEC_FETCH_SITE",
	"Sec-Fetch-User":            "HTTP_SEC_FETCH_USER",
	"Upgrade-Insecure-Requests": "HTTP_UPGRADE_INSECURE_REQUESTS",
	"User-Agent":                "HTTP_USER_AGENT",
	"X-Csrftoken":               "HTTP_X_CSRFTOKEN",
	"X-Forwarded-For":           "HTTP_X_FORWARDED_FOR",
	"X-Forwarded-Host":          "HTTP_X_FORWARDED_HOST",
	"X-Forwarded-Port":          "HTTP_X_FORWARDED_PORT",
	"X-Forwarded-Proto":         "HTTP_X_FORWARDED_PROTO",
	"X-Real-Ip":                 "HTTP_X_REAL_IP",
	"X-Request-Id":              "HTTP_X_REQUEST_ID",
	"X-Requested-With":          "HTTP_X_REQUESTED_WITH",
}
