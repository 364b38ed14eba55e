package chain

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// LimitsOptions are the settings of the stage Limits.
type LimitsOptions struct {
	// MaxBody bounds a request body, in bytes, by what the request declares; 0: no
	// limit. The handler bounds what is not declared.
	MaxBody int64
	// MaxTarget bounds the request target, in bytes; 0: no limit but the head's.
	MaxTarget int
	// MaxFields bounds the fields of a request, each value of a repeated name counted; 0: no
	// limit. Apps and log collectors spend more on each field than its few bytes cost a client.
	MaxFields int
	// Pages are the error pages; nil: the built-in ones.
	Pages *httpx.Pages
	// Log gets body_too_large; nil: no records are written.
	Log hclog.Logger
}

// Limits is the stage that refuses what no app is asked about.
func Limits(o LimitsOptions) func(http.Handler) http.Handler {
	o.Log = orNull(o.Log)
	return func(next http.Handler) http.Handler {
		return &limits{o: o, next: next, large: httpx.LogLimiter{Every: time.Minute}}
	}
}

type limits struct {
	o     LimitsOptions
	next  http.Handler
	large httpx.LogLimiter // of body_too_large, by app
}

func (s *limits) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := w.(*httpx.Writer)
	if s.refuse(rec, r) {
		rec.Info.Source = "server"
	} else {
		s.next.ServeHTTP(rec, r)
	}
	if rec.Status() == http.StatusRequestEntityTooLarge && rec.Info.Source == "server" {
		s.tooLarge(&rec.Info, r)
	}
}

// refuse reports whether it answered.
func (s *limits) refuse(rec *httpx.Writer, r *http.Request) bool {
	if r.Method == http.MethodOptions && r.RequestURI == "*" && versionOK(r) { // RFC 9110 9.3.7: the server as a whole
		rec.Header()["Content-Length"] = []string{"0"}
		rec.WriteHeader(http.StatusOK)
		return true
	}
	status, text := s.judge(&rec.Info, r)
	if status == 0 {
		return false
	}
	rec.Info.Refused = "limits"
	rec.EndConnection() // the body, if there is one, has not been read
	s.o.Pages.Write(rec, r, status, text, 0)
	return true
}

// judge returns the status that refuses the request, and why, where the page says more than
// the status does; 0: it is not refused.
func (s *limits) judge(n *httpx.RequestInfo, r *http.Request) (status int, text string) {
	switch {
	case !versionOK(r):
		return http.StatusHTTPVersionNotSupported, "This version of HTTP is not spoken here."
	case r.Method == http.MethodConnect: // RFC 9110 9.3.6: this is no proxy
		return http.StatusMethodNotAllowed, ""
	case s.o.MaxTarget > 0 && len(r.RequestURI) > s.o.MaxTarget:
		return http.StatusRequestURITooLong, ""
	case s.o.MaxFields > 0 && fieldCount(n, r) > s.maxFields(r):
		return http.StatusRequestHeaderFieldsTooLarge, ""
	case !targetOK(r.RequestURI), r.ProtoMajor > 1 && !visible(r.RequestURI), !namesHost(n, r):
		return http.StatusBadRequest, ""
	case n.Ambiguous:
		return http.StatusBadRequest, "The path hides a .. segment, behind an encoded slash, a backslash, a semicolon, a blank or a control byte."
	case s.o.MaxBody > 0 && r.ContentLength > s.o.MaxBody:
		return http.StatusRequestEntityTooLarge, fmt.Sprintf("The request body is larger than the %d bytes that this server accepts.", s.o.MaxBody)
	}
	return 0, ""
}

// mostCompressed is how many fields a request of HTTP/2 or HTTP/3 may have: their compression has a
// client send many with few bytes.
const mostCompressed = 100

func (s *limits) maxFields(r *http.Request) int {
	if r.ProtoMajor >= 2 {
		return min(s.o.MaxFields, mostCompressed)
	}
	return s.o.MaxFields
}

// versionOK: a server in front may name any version, and take the HTTP/2 preface for a request.
func versionOK(r *http.Request) bool {
	return r.Method != "PRI" && (r.ProtoMajor != 1 || r.ProtoMinor <= 1)
}

// tooLarge writes a record of a body that max_body does not allow, once a minute for each
// app: a client can repeat it at will.
func (s *limits) tooLarge(n *httpx.RequestInfo, r *http.Request) {
	if !s.large.Allow(n.App, time.Now()) {
		return
	}
	pairs := []any{"client", n.RemoteAddr, "id", n.ID, "method", r.Method, "target", r.RequestURI, "limit", s.o.MaxBody}
	if n.App != "" {
		pairs = append(pairs, "app", n.App)
	}
	if r.ContentLength >= 0 {
		pairs = append(pairs, "declared", r.ContentLength)
	}
	s.o.Log.Warn("body_too_large", append(pairs, "message", fmt.Sprintf("a request body is larger than max_body, %d bytes; --max-body 1GiB allows more", s.o.MaxBody))...)
}

// fieldCount counts the fields where no stage has done so.
func fieldCount(n *httpx.RequestInfo, r *http.Request) int {
	if n.FieldCount == 0 {
		for _, values := range r.Header {
			n.FieldCount += len(values)
		}
	}
	return n.FieldCount
}

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

// visible reports whether a target has the bytes that a URI may have. Package http1 has looked at those of HTTP/1.1.
func visible(target string) bool {
	for i := range len(target) {
		if target[i] <= ' ' || target[i] > '~' {
			return false
		}
	}
	return true
}

// namesHost: RFC 9112 3.2. A request of HTTP/1.0 need not name a host, and one that was
// relayed has names of its own.
func namesHost(n *httpx.RequestInfo, r *http.Request) bool {
	if r.Host == "" {
		return r.ProtoMajor == 1 && r.ProtoMinor == 0 || n.Relayed
	}
	return cgi.ValidHost(r.Host)
}
