package server

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/standpipe/standpipe/bridge/cgi"
)

// refuse answers what no app is asked about. It reports whether it answered. clear: all agree on what the path means;
// fields: how many the request came with.
func (c *Chain) refuse(w http.ResponseWriter, r *http.Request, clear bool, fields int) bool {
	status, text := 0, ""
	switch {
	case r.Method == "PRI" || r.ProtoMajor == 1 && r.ProtoMinor > 1:
		// net/http hands on the HTTP/2 preface and HTTP/1.2 as requests.
		status, text = http.StatusHTTPVersionNotSupported, "This version of HTTP is not spoken here."
	case r.Method == http.MethodConnect: // RFC 9110 9.3.6: this is no proxy
		status = http.StatusMethodNotAllowed
	case c.maxTarget > 0 && len(r.RequestURI) > c.maxTarget:
		status = http.StatusRequestURITooLong
	case r.RequestURI == "*" && r.Method == http.MethodOptions: // RFC 9110 9.3.7: the server as a whole
		w.Header()["Content-Length"] = []string{"0"}
		w.WriteHeader(http.StatusOK)
		return true
	case fields > maxFields:
		status = http.StatusRequestHeaderFieldsTooLarge
	case !targetOK(r.RequestURI), !namesHost(r):
		status = http.StatusBadRequest
	case !clear:
		status, text = http.StatusBadRequest, "The path hides a .. segment, behind an encoded slash, a backslash, a semicolon, a blank or a control byte."
	case c.maxBody > 0 && r.ContentLength > c.maxBody:
		status, text = http.StatusRequestEntityTooLarge, fmt.Sprintf("The request body is larger than the %d octets that this server takes.", c.maxBody)
	default:
		return false
	}
	// The body, if there is one, has not been read: whatever follows on this
	// connection may be part of it.
	w.Header()["Connection"] = closeField
	c.pages.Write(w, r, status, text, 0)
	return true
}

// maxFields bounds the fields of a request, each value of a repeated name counted. Apps
// and log collectors spend more on each field than its few bytes cost a client.
const maxFields = 1000

// targetOK takes the origin form and the absolute form (RFC 9112 3.2). It looks at the
// target as it was sent: the URL of a request that came by a gateway is made of its
// variables.
func targetOK(target string) bool {
	if strings.IndexByte(target, '#') >= 0 { // a fragment is the client's own (RFC 9110 7.1)
		return false
	}
	if target != "" && target[0] == '/' {
		return true
	}
	scheme, rest, ok := strings.Cut(target, "://")
	return ok && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")) && rest != "" && strings.IndexByte("/?#:", rest[0]) < 0
}

// namesHost: RFC 9112 3.2. A request of HTTP/1.0 need not name a host; a gateway has names
// of its own, and what it says is checked where it is read.
func namesHost(r *http.Request) bool {
	if r.Host == "" {
		return r.ProtoMajor == 1 && r.ProtoMinor == 0 || connOf(r) == nil
	}
	return cgi.ValidHost(r.Host)
}
