package rewrite

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Options are the settings of a Stage.
type Options struct {
	// Rule says how the path changes.
	Rule Rule
	// Pages are the error pages; nil: the built-in ones.
	Pages *httpx.Pages
	// Log gets rewrite_refused; nil: no records are written.
	Log hclog.Logger
}

// Stage changes the path of requests.
func Stage(o Options) func(next http.Handler) http.Handler {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	return func(next http.Handler) http.Handler {
		return &stage{Options: o, next: next, limiter: httpx.LogLimiter{Every: time.Minute, Max: 100}}
	}
}

type stage struct {
	Options
	next    http.Handler
	limiter httpx.LogLimiter // of rewrite_refused, by path
}

func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := httpx.Of(w)
	u, ok := s.Rule.apply(r, n)
	if !ok {
		s.refuse(w, r, n)
		return
	}
	out := r.WithContext(context.WithValue(r.Context(), originalKey{}, &original{r, n.Prefix}))
	out.URL = u
	if s.Rule.Mounted {
		n.Prefix += s.Rule.Prefix
	}
	s.next.ServeHTTP(w, out)
}

func (s *stage) refuse(w http.ResponseWriter, r *http.Request, n *httpx.RequestInfo) {
	n.Source = "server"
	if s.limiter.Allow(r.URL.Path, time.Now()) {
		s.Log.Warn("rewrite_refused", "path", r.URL.Path, "client", n.RemoteAddr, "id", n.ID,
			"message", "a path was refused: rewritten, it would leave the folder that its route rewrites to (logged once a minute for each path)")
	}
	s.Pages.Write(w, r, http.StatusBadRequest, "This path leads nowhere.", 0)
}

// original is a request before its path was changed.
type original struct {
	r      *http.Request
	prefix string
}

type originalKey struct{}

// Shown is the URL of a request before a Stage has changed it.
func Shown(r *http.Request) *url.URL {
	if o := originalOf(r); o != nil {
		return o.r.URL
	}
	return r.URL
}

// Original gives next the request as it was before a Stage has changed it.
func Original(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o := originalOf(r); o != nil {
			httpx.Of(w).Prefix = o.prefix
			r = o.r
		}
		next.ServeHTTP(w, r)
	})
}

func originalOf(r *http.Request) *original {
	o, _ := r.Context().Value(originalKey{}).(*original)
	return o
}
