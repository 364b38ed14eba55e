package maintain

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Options are the settings of the stage.
type Options struct {
	// List says what is under maintenance.
	List *List
	// App is the app that the stage is for; empty: the whole server.
	App string
	// Pages are the error pages; nil: the built-in ones.
	Pages *httpx.Pages
}

// New is the stage that answers 503 to all but the allowed clients. It comes after the one that knows the client's address. It
// costs a request one look at a pointer, as long as there is no maintenance.
func New(o Options) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return &stage{o, next} }
}

type stage struct {
	o    Options
	next http.Handler
}

func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.o.List.now.Load() != nil {
		now := time.Now()
		if m := s.o.List.find(s.o.App, now); m != nil && !m.allows(clientOf(httpx.Of(w))) {
			s.answer(w, r, m, m.retry(now))
			return
		}
	}
	s.next.ServeHTTP(w, r)
}

// clientOf is the client's address; invalid: it has none (a unix socket).
func clientOf(n *httpx.RequestInfo) netip.Addr {
	if !n.Trusted {
		return n.Peer.Addr()
	}
	a, _ := netip.ParseAddr(strings.Trim(n.RemoteAddr, "[]"))
	return httpx.PlainAddr(a)
}

func (s *stage) answer(w http.ResponseWriter, r *http.Request, m *Window, retry time.Duration) {
	rec := httpx.Find(w)
	n := httpx.Of(w)
	n.Source, n.Refused, n.App = "server", "maintenance", s.o.App
	if rec != nil && r.ContentLength != 0 {
		rec.EndConnection() // the body has not been read
	}
	if m.Page == nil {
		s.o.Pages.Write(w, r, http.StatusServiceUnavailable, "This site is under maintenance.", retry)
		return
	}
	h := w.Header()
	h["Retry-After"] = []string{strconv.FormatInt(max(1, int64((retry+time.Second-1)/time.Second)), 10)}
	h["Content-Type"] = []string{m.Type}
	h["Content-Length"] = []string{strconv.Itoa(len(m.Page))}
	h["Cache-Control"] = []string{"no-store"}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	w.WriteHeader(http.StatusServiceUnavailable)
	if r.Method != http.MethodHead {
		_, _ = w.Write(m.Page) // the client may have disconnected
	}
}
