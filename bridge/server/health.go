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

// health answers the health checks without an app, whatever the host, so that
// they are answered while all workers are busy. It reports whether it answered.
func (c *Chain) health(w http.ResponseWriter, r *http.Request) bool {
	path := r.URL.Path
	if len(path) < len("/livez") || c.ready == nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	switch path {
	case "/livez":
		healthAnswer(w, r, http.StatusOK, "ok\n")
		return true
	case "/readyz":
		c.readiness(w, r, "")
		return true
	}
	if name, ok := strings.CutPrefix(path, "/readyz/"); ok && name != "" {
		if _, known := c.ready.Ready(name); known {
			c.readiness(w, r, name)
			return true
		}
	}
	return false // not ours: an app may have such a path
}

func (c *Chain) readiness(w http.ResponseWriter, r *http.Request, app string) {
	if ready, _ := c.ready.Ready(app); ready {
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
