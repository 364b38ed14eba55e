package h3

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/quic-go/quic-go"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/shim/wire"
)

// TLS is the security of all connections. Package https has it.
type TLS interface {
	// QUICConfig chooses certificates, and has the keys of session tickets. It is for ALPN h3.
	QUICConfig() *tls.Config
	// Shaken counts a handshake that is complete.
	Shaken(state *tls.ConnectionState)
	// NotShaken counts a handshake that has failed, and why.
	NotShaken(peer string, err error)
	// VariablesOf are for the environ of each request of a connection.
	VariablesOf(state *tls.ConnectionState) []wire.Var
}

// Options are the settings of a Server.
type Options struct {
	// TLS is asked for each connection.
	TLS TLS
	// Keys are what a client may keep beyond this process.
	Keys *Keys
	// HeaderTimeout is how long a handshake may take; 0: ten seconds.
	HeaderTimeout time.Duration
	// IdleTimeout is how long a connection may be without a request; 0: no limit.
	IdleTimeout time.Duration
	// Pace is how slowly a client may take an answer.
	Pace func() *httpx.Pace
	// Admit counts a connection of a client until done is called; false: it is refused.
	Admit func(client netip.Addr) (done func(), ok bool)
	// Crowded reports whether a client has so many connections that its address has to be
	// validated before it gets a further one.
	Crowded func(client netip.Addr) bool
	// Log gets slow_client and udp_buffer; nil: no records are written.
	Log hclog.Logger
}

// What a client may have this server keep.
const (
	maxHead       = 32 << 10 // bytes of a request's fields
	maxStreams    = 100      // of a connection at a time
	maxUni        = 8        // one for control, two for QPACK, and some that are ignored
	streamWindow  = 256 << 10
	maxStreamWin  = 4 << 20 // bytes; reached by uploads that an app reads as fast as they come
	connWindow    = 512 << 10
	maxConnWindow = 8 << 20
	pingAfter     = 30 * time.Second // of silence
	deadAfter     = 60 * time.Second // quic-go pings after half of it at the latest
	handshakeTime = 10 * time.Second
)

// Server speaks HTTP/3 at any number of sockets.
type Server struct {
	o       Options
	handler http.Handler
	quic    *quic.Config
	quiet   *slog.Logger // what clients do wrong; the stages log panics
	slow    httpx.LogLimiter
	doubt   atomic.Int64 // handshakes under way with clients whose addresses are not validated

	mu       sync.Mutex
	leaving  bool // Leave, Shutdown or Close was called
	closed   bool // Close was called
	conns    map[*conn]struct{}
	sockets  map[*Socket]struct{} // those that are served
	serving  sync.WaitGroup       // connections
	finished chan struct{}        // closed when conns is empty; nil: nothing waits
}

// New makes a Server whose requests h answers.
func New(h http.Handler, o Options) *Server {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	if o.HeaderTimeout <= 0 {
		o.HeaderTimeout = handshakeTime
	}
	return &Server{
		o: o, handler: h, slow: httpx.LogLimiter{Every: time.Minute}, quiet: slog.New(slog.DiscardHandler), conns: map[*conn]struct{}{}, sockets: map[*Socket]struct{}{},
		quic: &quic.Config{
			HandshakeIdleTimeout: o.HeaderTimeout / 2, // quic-go doubles it for the whole handshake
			MaxIdleTimeout:       deadAfter, KeepAlivePeriod: pingAfter, MaxIncomingStreams: maxStreams, MaxIncomingUniStreams: maxUni,
			InitialStreamReceiveWindow: streamWindow, MaxStreamReceiveWindow: maxStreamWin,
			InitialConnectionReceiveWindow: connWindow, MaxConnectionReceiveWindow: maxConnWindow,
			Allow0RTT: true,
		},
	}
}

// Serve accepts connections at u until Shutdown or Close, and then returns nil. u is closed when it
// returns.
func (s *Server) Serve(u *Socket) error {
	defer u.Close()
	if !s.add(u) {
		return nil
	}
	ids := s.o.Keys.ids()
	t := &quic.Transport{
		Conn: u.conn(), ConnectionIDGenerator: ids, StatelessResetKey: &s.o.Keys.reset, TokenGeneratorKey: &s.o.Keys.token,
		VerifySourceAddress: s.doubtful, ConnContext: s.enter,
	}
	ln, err := listenQuietly(t, s.o.TLS.QUICConfig(), s.quic)
	if err != nil {
		s.remove(u)
		return err
	}
	u.serves(t)
	s.checkBuffers(u)
	for {
		q, err := ln.Accept(context.Background())
		if err != nil {
			_ = t.Close()
			s.remove(u)
			if s.isLeaving() && errors.Is(err, quic.ErrTransportClosed) {
				return nil
			}
			return err
		}
		s.begin(q)
	}
}

// quietly is held while the environment has quic-go's variable: quic-go would write a line to the
// standard error about the buffers, for which there is an event.
var quietly sync.Mutex

func listenQuietly(t *quic.Transport, tlsConfig *tls.Config, config *quic.Config) (*quic.EarlyListener, error) {
	const name = "QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING"
	quietly.Lock()
	defer quietly.Unlock()
	if _, set := os.LookupEnv(name); !set {
		_ = os.Setenv(name, "true")
		defer os.Unsetenv(name)
	}
	return t.ListenEarly(tlsConfig, config)
}

func (s *Server) add(u *Socket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leaving {
		return false
	}
	s.sockets[u] = struct{}{}
	return true
}

func (s *Server) remove(u *Socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sockets, u)
}

func (s *Server) isLeaving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leaving
}

// begin serves a connection.
func (s *Server) begin(q *quic.Conn) {
	c := newConn(s, q)
	s.mu.Lock()
	closed, leaving := s.closed, s.leaving
	if !closed {
		s.conns[c] = struct{}{}
		s.serving.Add(1)
	}
	s.mu.Unlock()
	if closed {
		_ = q.CloseWithError(noError, "")
		return
	}
	go func() {
		defer s.serving.Done()
		defer s.end(c)
		c.serve()
	}()
	if leaving {
		c.leave()
	}
}

func (s *Server) end(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.tell()
}

// tell closes finished when no connection is left. mu is held.
func (s *Server) tell() {
	if len(s.conns) == 0 && s.finished != nil {
		close(s.finished)
		s.finished = nil
	}
}

// Leave sends GOAWAY: requests that run are answered, and connections without one are closed a
// second later, unless their clients do so before. It does not wait.
func (s *Server) Leave() {
	s.mu.Lock()
	s.leaving = true
	list := s.list()
	s.mu.Unlock()
	for _, c := range list {
		c.leave()
	}
}

// list is held with mu.
func (s *Server) list() []*conn {
	list := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		list = append(list, c)
	}
	return list
}

// Shutdown is Leave, and waits until the connections are closed; new ones are refused meanwhile.
// When ctx ends first, it returns ctx's error, and Close is to be called. Otherwise Serve has ended
// for all sockets.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Leave()
	s.mu.Lock()
	if s.finished == nil {
		s.finished = make(chan struct{})
	}
	done := s.finished
	s.tell()
	s.mu.Unlock()
	select {
	case <-done:
		return s.Close()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close closes connections and sockets at once.
func (s *Server) Close() error {
	s.mu.Lock()
	s.leaving, s.closed = true, true
	list := s.list()
	sockets := make([]*Socket, 0, len(s.sockets))
	for u := range s.sockets {
		sockets = append(sockets, u)
	}
	s.mu.Unlock()
	for _, c := range list {
		c.close()
	}
	s.serving.Wait()
	for _, u := range sockets {
		u.stop()
	}
	return nil
}

// Connections counts the open connections.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}
