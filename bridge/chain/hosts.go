package chain

import (
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// HostsOptions are the settings of the stage Hosts.
type HostsOptions struct {
	// Serves reports whether the request's host is served at this address.
	Serves func(*http.Request) bool
	// Address is that of the listener, for messages.
	Address string
	// Pages are the error pages; nil: the built-in ones.
	Pages *httpx.Pages
	// Log gets misdirected; nil: no records are written.
	Log hclog.Logger
}

// Hosts is the stage that refuses requests for hosts that are not served at the address, with 421
// (RFC 9110 15.5.20). So a client of HTTP/2 that uses a connection for several hosts (RFC 9113
// 9.1.1) makes another one. The stage comes after the one that knows what a trusted proxy says.
func Hosts(o HostsOptions) func(http.Handler) http.Handler {
	o.Log = orNull(o.Log)
	return func(next http.Handler) http.Handler {
		return &hosts{o: o, next: next, refused: httpx.LogLimiter{Every: time.Hour, Max: 100}}
	}
}

type hosts struct {
	o       HostsOptions
	next    http.Handler
	refused httpx.LogLimiter // of misdirected, by host
}

func (s *hosts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.o.Serves(r) {
		s.next.ServeHTTP(w, r)
		return
	}
	rec := w.(*httpx.Writer)
	rec.Info.Source, rec.Info.Refused = "server", "misdirected"
	if s.refused.Allow(r.Host, time.Now()) {
		s.o.Log.Info("misdirected", "host", r.Host, "address", s.o.Address, "client", rec.Info.RemoteAddr, "id", rec.Info.ID,
			"message", "a request for host "+r.Host+" came to "+s.o.Address+", where that host is not served")
	}
	rec.EndConnection() // the body, if there is one, has not been read
	s.o.Pages.Write(w, r, http.StatusMisdirectedRequest, "This host is not served at this address.", 0)
}
