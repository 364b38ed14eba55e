package route

import (
	"net/http"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// query is what conditions look at. What costs something is worked out for the first route that needs it. It never leaves
// the stack: conditions get a copy.
type query struct {
	r *http.Request
	w http.ResponseWriter

	at   string // the address of the server that the request came to
	path string // decoded, each run of slashes as one; empty: not worked out
	host string // canonical
	info *httpx.RequestInfo

	runs    bool // path differs from the request's
	hasHost bool
}

// merged reports whether the path lies under prefix with each run of slashes as one: a server behind may read it so, and
// what a route refuses must not pass with a second slash.
func (q *query) merged(prefix string) bool {
	if q.path == "" {
		q.merge()
	}
	return q.runs && Under(q.path, prefix)
}

func (q *query) merge() {
	q.path = httpx.OneSlash(q.r.URL.Path)
	q.runs = len(q.path) < len(q.r.URL.Path)
}

func (q *query) among(list hosts) bool {
	if !q.hasHost {
		q.host, q.hasHost = CanonicalHost(q.r.Host), true
	}
	return list.have(q.host)
}

// complete works out what conditions look at besides path and host.
func (q *query) complete() {
	if q.info == nil {
		if q.path == "" {
			q.merge()
		}
		q.info = httpx.Of(q.w)
	}
}
