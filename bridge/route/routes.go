package route

import (
	"net/http"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Route is one entry of the list of routes.
type Route struct {
	// Name is for messages.
	Name string
	// Matcher says which requests it is for.
	Matcher *Matcher
	// Handler makes what answers. next is for requests that it leaves to others: the routes after
	// this one, then the apps.
	Handler func(next http.Handler) http.Handler
}

// Routes gives each request to the first route that matches, in their order.
type Routes struct {
	// Trace is told what each route says of a request; nil: nobody is. It is set before the first
	// request.
	Trace func(Verdict)

	list  []Route
	pages *httpx.Pages
}

// NewRoutes makes Routes. pages nil: the built-in ones.
func NewRoutes(list []Route, pages *httpx.Pages) *Routes {
	return &Routes{list: list, pages: pages}
}

// At is the stage of requests that come to an address of the server; empty: to one that no
// Match.Listen names. It puts the routes in front of next, which answers where none matches.
func (s *Routes) At(address string) func(next http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		handlers := make([]http.Handler, len(s.list))
		for i := len(s.list) - 1; i >= 0; i-- {
			handlers[i] = s.list[i].Handler(&from{s, address, handlers, i + 1, next})
		}
		return &from{s, address, handlers, 0, next}
	}
}

// from are the routes beginning with one of them.
type from struct {
	*Routes
	at       string         // the address of the server
	handlers []http.Handler // by index of list
	first    int
	next     http.Handler
}

func (f *from) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := query{r: r, w: w, at: f.at}
	for i := f.first; i < len(f.list); i++ {
		m := f.list[i].Matcher
		failed := m.fails(&q)
		if f.Trace != nil {
			f.Trace(Verdict{f.list[i].Name, m.String(), m.describe(failed)})
		}
		if failed != nothing {
			continue
		}
		if q.runs && !Under(r.URL.Path, m.prefix) { // with runs of slashes as one, it is
			var ok bool
			if r, ok = mergeSlashes(r, m.prefix); !ok {
				httpx.Of(w).Source = "server"
				f.pages.Write(w, r, http.StatusBadRequest, "The path hides an empty segment behind an encoded slash.", 0)
				return
			}
		}
		f.handlers[i].ServeHTTP(w, r)
		return
	}
	f.next.ServeHTTP(w, r)
}

// Verdict is what one route, or one pattern of an app, says of a request.
type Verdict struct {
	Name string
	// Wants are the conditions, Fails the first one that does not hold; empty: all do.
	Wants, Fails string
}

// mergeSlashes is the request with each run of slashes in its path as one. Not ok: an encoded slash takes part in a run.
func mergeSlashes(r *http.Request, prefix string) (out *http.Request, ok bool) {
	u, changed := *r.URL, *r
	changed.URL = &u
	ok = httpx.SetRawPath(&u, httpx.OneSlash(httpx.RawPath(&u))) && Under(u.Path, prefix)
	return &changed, ok
}
