package chain

import (
	"net/http"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// ID is the stage that gives each request its id, in the RequestInfo, in the request's fields and
// in the answer's. believe: the id that a trusted proxy sends is kept.
func ID(believe bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return &requestID{believe, next} }
}

type requestID struct {
	believe bool
	next    http.Handler
}

func (s *requestID) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := &w.(*httpx.Writer).Info
	if s.believe && n.Trusted {
		if v := r.Header["X-Request-Id"]; len(v) == 1 && httpx.ValidID(v[0]) {
			n.ID = v[0]
		}
	}
	if n.ID == "" {
		n.ID = httpx.NewID(n.Start)
	}
	id := []string{n.ID}
	w.Header()["X-Request-Id"] = id
	r.Header["X-Request-Id"] = id // an app that logs it logs the one that we log
	s.next.ServeHTTP(w, r)
}

// ServerField is the stage that sets the answer's Server field, unless an app sets one.
func ServerField(name string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return &serverField{[]string{name}, next} }
}

type serverField struct {
	value []string // shared by all answers, which do not change it
	next  http.Handler
}

func (s *serverField) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header()["Server"] = s.value
	s.next.ServeHTTP(w, r)
}
