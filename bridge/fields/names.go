package fields

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// connection are fields that speak about one connection, or about the framing of a body (RFC 9110 7.6.1, RFC 9112 6).
var connection = []string{"Connection", "Content-Length", "Http2-Settings", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer",
	"Trailers", "Transfer-Encoding", "Upgrade"}

// written are request fields that standpipe writes itself, from what it knows of the client. X-Real-IP is not among them: it is sent where a rule sets it.
var written = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Proto", "X-Request-Id"}

// MayChange is why a field of that name cannot be changed; nil: it can.
func MayChange(name string, response bool) error {
	key := http.CanonicalHeaderKey(name)
	switch {
	case !httpx.IsToken(name):
		return fmt.Errorf("%q is not a field's name", name)
	case slices.Contains(connection, key):
		return fmt.Errorf("%s is about the connection or the length of a body; standpipe writes it itself", name)
	case response && (key == "Date" || key == "Content-Range" || key == "Content-Encoding"):
		return fmt.Errorf("%s says what the response is; standpipe or the app writes it", name)
	case response:
		return nil
	case key == "Host":
		return fmt.Errorf("%s names what the client asked for; routes and apps are chosen by it, and it stays", name)
	case key == "Expect" || key == "Proxy":
		return fmt.Errorf("%s is read by standpipe, and not forwarded", name)
	case slices.Contains(written, key):
		return fmt.Errorf("%s is written by standpipe from what it knows of the client (trusted_proxies, trusted_fields)", name)
	case strings.Contains(name, "_"):
		return fmt.Errorf("%s has an underscore; such fields are not forwarded, because CGI variables do not tell _ from -; write %s", name, strings.ReplaceAll(name, "_", "-"))
	}
	return nil
}

// read are request fields that handlers look up in net/http's spelling.
var read = []string{"Accept", "Accept-Encoding", "Authorization", "Cache-Control", "Content-Type", "Cookie", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range",
	"If-Unmodified-Since", "Origin", "Range", "User-Agent"}

// requestKey is the key of a field in a request's map: as it is written, unless that is its usual spelling, or a handler
// looks for it.
func requestKey(name string) string {
	key := http.CanonicalHeaderKey(name)
	if httpx.Spelling(key) == name || slices.Contains(read, key) {
		return key
	}
	return name
}

// responseKey is the key of a field in a response's map.
func responseKey(name string) string {
	if key := http.CanonicalHeaderKey(name); key == "Content-Type" {
		return key // where an empty one stays empty
	}
	return name
}
