package server

import (
	"net/http"
	"strings"
)

// Readiness is what the readiness checks ask.
type Readiness interface {
	// Ready reports whether the app has been ready once and standpipe is not
	// stopping; for the empty name, whether that holds for every app. known is
	// false when there is no such app. A full line does not count: a balancer
	// that takes a busy server out makes the others busier.
	Ready(app string) (ready, known bool)
}

// Health answers the health checks. As a handler it is for an address of its own; there is nothing else at it.
type Health struct {
	Ready Readiness
	// Path stands in front of /livez, /readyz and /readyz/APP; empty: nothing.
	Path string
}

// ServeHTTP answers 404 to what is no health check.
func (h *Health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.answer(w, r) {
		http.NotFound(w, r)
	}
}

// answer reports whether it answered. No app is asked, whatever the host, so that a check is answered while all workers
// are busy.
func (h *Health) answer(w http.ResponseWriter, r *http.Request) bool {
	path := r.URL.Path
	if h == nil || len(path) < len(h.Path)+len("/livez") || r.Method != http.MethodGet && r.Method != http.MethodHead || !strings.HasPrefix(path, h.Path) {
		return false
	}
	switch path = path[len(h.Path):]; path {
	case "/livez":
		healthAnswer(w, r, http.StatusOK, "ok\n")
		return true
	case "/readyz":
		h.readiness(w, r, "")
		return true
	}
	if name, ok := strings.CutPrefix(path, "/readyz/"); ok && name != "" {
		if _, known := h.Ready.Ready(name); known {
			h.readiness(w, r, name)
			return true
		}
	}
	return false // not ours: an app may have such a path
}

func (h *Health) readiness(w http.ResponseWriter, r *http.Request, app string) {
	if ready, _ := h.Ready.Ready(app); ready {
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
