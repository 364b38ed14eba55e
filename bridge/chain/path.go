package chain

import (
	"net/http"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Path is the stage that removes the dot segments of the path, so that all who look at it
// see the same one. Where that cannot be done, the RequestInfo says Ambiguous.
func Path() func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return &path{next} }
}

type path struct{ next http.Handler }

func (s *path) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.(*httpx.Writer).Info.Ambiguous = !httpx.CleanPath(r.URL)
	s.next.ServeHTTP(w, r)
}
