package chain

import (
	"net/http"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// ID is the stage that gives each request its id, in the RequestInfo, from which apps and
// upstreams get it, and in the answer's fields. believe: the id that a trusted proxy sends is kept.
func ID(believe bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return &requestID{believe, next} }
}

type requestID struct {
	believe bool
	next    http.Handler
}

func (s *requestID) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := w.(*httpx.Writer)
	n := &rec.Info
	if len(r.Header) > 0 {
		if v := r.Header["X-Request-Id"]; v != nil {
			if s.believe && n.Trusted && len(v) == 1 && httpx.ValidID(v[0]) {
				n.ID = v[0]
			}
			delete(r.Header, "X-Request-Id") // the app gets the one that we log: cgi.Info.ID
		}
	}
	if n.ID == "" {
		n.ID = httpx.NewID(n.Start)
	}
	rec.Defaults.Add("X-Request-Id", n.ID)
	s.next.ServeHTTP(w, r)
}

// ServerField is the stage that sets the answer's Server field, unless an app sets one.
func ServerField(name string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return &serverField{name, next} }
}

type serverField struct {
	value string
	next  http.Handler
}

func (s *serverField) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.(*httpx.Writer).Defaults.Add("Server", s.value)
	s.next.ServeHTTP(w, r)
}
