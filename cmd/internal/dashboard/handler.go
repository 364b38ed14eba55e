package dashboard

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Options are what a Handler works with.
type Options struct {
	// Source answers the requests of package admin.
	Source http.Handler
	// Token is the secret of the login; empty: reading needs none, and nothing can be changed.
	Token string
	// Local: requests for other hosts than this machine are refused.
	Local bool
	// Used is called after a link of NewLink was used; nil: it is not called.
	Used func()
	// Log gets dashboard_login and dashboard_refused; nil: no records are written.
	Log hclog.Logger
}

// Handler serves the page and its data.
type Handler struct {
	o        Options
	mux      http.ServeMux
	sessions *sessions // nil: there is no token
	links    links
	guesses  guesses
	refusals httpx.LogLimiter
	latest   latest
	viewers  atomic.Int64
}

// NewHandler returns the Handler.
func NewHandler(o Options) *Handler {
	h := &Handler{o: o, latest: latest{source: o.Source}, refusals: httpx.LogLimiter{Every: time.Minute}}
	if o.Token != "" {
		h.sessions = newSessions(o.Token)
	}
	if h.o.Log == nil {
		h.o.Log = hclog.NewNullLogger()
	}
	h.mux.HandleFunc("GET /{$}", h.page)
	h.mux.HandleFunc("GET /login", h.form)
	h.mux.HandleFunc("POST /login", h.login)
	h.mux.HandleFunc("POST /logout", h.logout)
	h.mux.HandleFunc("GET /api/stream", h.reading(h.stream))
	h.mux.HandleFunc("GET /api/history", h.reading(h.history))
	h.mux.HandleFunc("GET /api/dump", h.acting(h.dump))
	for _, name := range []string{"reload", "restart", "scale"} {
		h.mux.HandleFunc("POST /api/"+name, h.acting(h.command(name)))
	}
	for _, a := range assets() {
		h.mux.Handle("GET /"+a.name, a)
	}
	h.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "not_found", "there is no such page")
	})
	return h
}

// ServeHTTP serves a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protect(w.Header())
	if h.o.Local && !localHost(r.Host) {
		refuse(w, http.StatusMisdirectedRequest, "host", "this dashboard is served for localhost, 127.0.0.1 and [::1] alone")
		return
	}
	h.mux.ServeHTTP(w, r)
}

// session reports whether the request has one; always, if there is no token.
func (h *Handler) session(r *http.Request) bool {
	return h.sessions == nil || h.sessions.valid(cookieOf(r), time.Now())
}

// reading wraps what shows something.
func (h *Handler) reading(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case foreign(r):
			refuse(w, http.StatusForbidden, "origin", "requests of other pages are refused")
		case !h.session(r):
			refuse(w, http.StatusUnauthorized, "login", "a login is needed")
		default:
			next(w, r)
		}
	}
}

// acting wraps what needs a token.
func (h *Handler) acting(next http.HandlerFunc) http.HandlerFunc {
	return h.reading(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case h.sessions == nil:
			refuse(w, http.StatusForbidden, "no_token", "this dashboard only shows: dashboard_token is not set")
		case r.Method != http.MethodGet && !ownOrigin(r):
			refuse(w, http.StatusForbidden, "origin", "requests of other pages are refused")
		default:
			next(w, r)
		}
	})
}

// page is the page itself, or the way to the login.
func (h *Handler) page(w http.ResponseWriter, r *http.Request) {
	if !h.session(r) {
		redirect(w, "login")
		return
	}
	index.ServeHTTP(w, r)
}

// history is the last hour.
func (h *Handler) history(w http.ResponseWriter, r *http.Request) {
	pass(w, ask(r.Context(), h.o.Source, http.MethodGet, "/v1/history", r.URL.RawQuery, nil))
}

// clientOf is the address of the browser, as far as it counts for guesses: a proxy on this machine adds it last.
func clientOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.IsLoopback() {
		return host
	}
	list := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	last := strings.TrimSpace(list[strings.LastIndexByte(list, ',')+1:])
	if forwarded, err := netip.ParseAddr(last); err == nil {
		return forwarded.String()
	}
	return host
}
