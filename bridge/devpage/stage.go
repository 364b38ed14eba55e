package devpage

import (
	_ "embed" // live.js
	"net/http"
	"strings"
	"time"
)

const (
	devPath    = "/-/dev/"
	eventsPath = devPath + "events"
	livePath   = devPath + "live.js"
)

//go:embed assets/live.js
var liveScript string

// Stage takes dev_token from clients, and answers what is below /-/dev/.
func (p *Pages) Stage(next http.Handler) http.Handler { return &stage{p, next} }

type stage struct {
	p    *Pages
	next http.Handler
}

func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case s.p.guard.take(w, r, time.Now()):
	case strings.HasPrefix(r.URL.Path, devPath):
		s.own(w, r)
	default:
		s.next.ServeHTTP(w, r)
	}
}

// own answers requests of the pages themselves.
func (s *stage) own(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header()["Allow"] = []string{"GET, HEAD"}
		answer(w, r, http.StatusMethodNotAllowed, "GET or HEAD\n")
		return
	}
	if ok, why := s.p.guard.allows(w, r); !ok {
		answer(w, r, http.StatusForbidden, why+"\n")
		return
	}
	switch r.URL.Path {
	case eventsPath:
		s.p.events.serve(w, r)
	case livePath:
		protect(w.Header())
		w.Header()["Content-Type"] = []string{"text/javascript; charset=utf-8"}
		_, _ = w.Write([]byte(liveScript))
	default:
		answer(w, r, http.StatusNotFound, "there is nothing at this address\n")
	}
}
