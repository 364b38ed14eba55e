package chain

import (
	"net/http"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Readiness is what the readiness checks ask.
type Readiness interface {
	// Ready reports whether the app has been ready once and standpipe is not
	// stopping; for the empty name, whether that holds for every app. known is
	// false when there is no such app. A full queue does not count: a balancer
	// that takes a busy server out makes the others busier.
	Ready(app string) (ready, known bool)
}

// HealthOptions are the settings of the health checks.
type HealthOptions struct {
	// Ready is asked by the readiness checks.
	Ready Readiness
	// Path is put in front of /livez, /readyz and /readyz/APP; empty: they have no prefix.
	Path string
}

// Health is the stage that answers the health checks. They are not logged.
func Health(o HealthOptions) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return &health{o, next} }
}

// HealthHandler answers the health checks, and 404 to anything else: it is for an address that
// serves nothing else.
func HealthHandler(o HealthOptions) http.Handler {
	return &health{o, http.HandlerFunc(http.NotFound)}
}

type health struct {
	o    HealthOptions
	next http.Handler
}

func (s *health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := httpx.Of(w)
	if n.Ambiguous || !s.answer(w, r) {
		s.next.ServeHTTP(w, r)
		return
	}
	n.Silent = true
}

// answer reports whether it answered. No app is asked, whatever the host is, so that a
// check is answered while all workers are busy.
func (s *health) answer(w http.ResponseWriter, r *http.Request) bool {
	path := r.URL.Path
	if len(path) < len(s.o.Path)+len("/livez") || r.Method != http.MethodGet && r.Method != http.MethodHead || !strings.HasPrefix(path, s.o.Path) {
		return false
	}
	switch path = path[len(s.o.Path):]; path {
	case "/livez":
		healthAnswer(w, r, http.StatusOK, "ok\n")
		return true
	case "/readyz":
		s.readiness(w, r, "")
		return true
	}
	if name, ok := strings.CutPrefix(path, "/readyz/"); ok && name != "" {
		if _, known := s.o.Ready.Ready(name); known {
			s.readiness(w, r, name)
			return true
		}
	}
	return false // an app may have such a path
}

func (s *health) readiness(w http.ResponseWriter, r *http.Request, app string) {
	if ready, _ := s.o.Ready.Ready(app); ready {
		healthAnswer(w, r, http.StatusOK, "ok\n")
	} else {
		healthAnswer(w, r, http.StatusServiceUnavailable, "not ready\n")
	}
}

func healthAnswer(w http.ResponseWriter, r *http.Request, status int, text string) {
	h := w.Header()
	h["Content-Type"] = []string{"text/plain; charset=utf-8"}
	h["Cache-Control"] = []string{"no-store"}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(text))
	}
}
