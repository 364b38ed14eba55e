package dashboard

import (
	"net"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/http1"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/listen"
)

// Server serves a Handler on an address.
type Server struct {
	group *listen.Group
	web   *http1.Server
}

// NewServer returns a Server; slow is the limit of slow clients, log gets its records.
func NewServer(h *Handler, slow httpx.Pace, log hclog.Logger) *Server {
	return &Server{
		group: listen.NewGroup(listen.Options{MaxConnections: 4 * maxViewers, Log: log, Limits: listen.Limits{Send: slow}}),
		web:   http1.New(h, http1.Options{HeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute, MaxHead: 16 << 10, Log: log}),
	}
}

// Serve accepts connections until Close.
func (s *Server) Serve(ln net.Listener) error { return s.group.Serve(ln, s.web) }

// Close closes the address and the connections.
func (s *Server) Close() { _ = s.group.Close() }

// URL is the address for a browser.
func URL(a net.Addr) string { return "http://" + a.String() + "/" }
