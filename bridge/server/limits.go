package server

import (
	"fmt"
	"net/http"
	"time"
)

// refuse answers what no app is asked about. It reports whether it answered. clear: all agree on what the path means.
func (c *Chain) refuse(w http.ResponseWriter, r *http.Request, clear bool) bool {
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
	case !targetOK(r):
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
	if r.ContentLength != 0 { // net/http reads some of it after the answer
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(10 * time.Second))
	}
	c.pages.Write(w, r, status, text, 0)
	return true
}

// targetOK takes the origin form and the absolute form (RFC 9112 3.2).
func targetOK(r *http.Request) bool {
	if len(r.RequestURI) > 0 && r.RequestURI[0] == '/' {
		return true
	}
	return (r.URL.Scheme == "http" || r.URL.Scheme == "https") && r.URL.Host != "" && r.URL.Opaque == ""
}
