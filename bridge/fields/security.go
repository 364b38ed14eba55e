package fields

import (
	"net/http"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Security is the stage that adds usual fields for browsers to final responses: each one only where the handler has set
// none of its name. X-Frame-Options and frame-ancestors speak of the same thing, and browsers obey the second: one that the
// handler sets keeps the other one out.
func Security(next http.Handler) http.Handler { return &security{next} }

type security struct{ next http.Handler }

func (s *security) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := writerOf(w)
	httpx.BeforeHead(rec, func(_ int, h http.Header) { secure(h) })
	s.next.ServeHTTP(rec, r)
}

// Never written to.
var (
	noSniff      = []string{"nosniff"}
	referrer     = []string{"strict-origin-when-cross-origin"}
	permissions  = []string{"camera=(), geolocation=(), microphone=()"}
	sameOrigin   = []string{"SAMEORIGIN"}
	sameAncestor = []string{"frame-ancestors 'self'"}
)

func secure(h http.Header) {
	for _, f := range []struct {
		name  string
		value []string
	}{{"X-Content-Type-Options", noSniff}, {"Referrer-Policy", referrer}, {"Permissions-Policy", permissions}} {
		if find(h, f.name) == "" {
			h[f.name] = f.value
		}
	}
	if find(h, "X-Frame-Options") != "" {
		return
	}
	policy := find(h, "Content-Security-Policy")
	if policy == "" {
		h["Content-Security-Policy"] = sameAncestor
	}
	for _, v := range h[policy] {
		if strings.Contains(strings.ToLower(v), "frame-ancestors") {
			return
		}
	}
	h["X-Frame-Options"] = sameOrigin
}

// writerOf is the Writer inside w; a new one where the stage is used without the chain.
func writerOf(w http.ResponseWriter) *httpx.Writer {
	rec := httpx.Find(w)
	if rec == nil {
		rec = new(httpx.Writer)
		rec.Reset(w)
	}
	return rec
}
