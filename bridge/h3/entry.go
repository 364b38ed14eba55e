package h3

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/standpipe/standpipe/bridge/httpx"
)

const noError = quic.ApplicationErrorCode(http3.ErrCodeNoError)

// mostDoubt is how many handshakes may be under way with clients whose addresses are not validated.
// Further clients get a Retry (RFC 9000 8.1.2): forged addresses do not take the places of others.
const mostDoubt = 64

// entry is a connection from its first packet on.
type entry struct {
	srv    *Server
	peer   string
	done   func()
	judged sync.Once   // whether the handshake is complete, or has failed
	taken  atomic.Bool // a conn has it, and judges
	sure   func()      // the client's address is validated, or the connection has ended
}

type entryKey struct{}

var errRefused = errors.New("no further connections")

// doubtful reports whether a client has to show that its address is its own.
func (s *Server) doubtful(a net.Addr) bool {
	return s.doubt.Load() >= mostDoubt || s.o.Crowded(addrOf(a))
}

func addrOf(a net.Addr) netip.Addr {
	u, _ := a.(*net.UDPAddr)
	if u == nil {
		return netip.Addr{}
	}
	return httpx.PlainAddr(u.AddrPort().Addr())
}

// enter is quic-go's ConnContext: an error refuses the connection. It does not wait.
func (s *Server) enter(ctx context.Context, info *quic.ClientInfo) (context.Context, error) {
	if s.isLeaving() {
		return nil, errRefused
	}
	done, ok := s.o.Admit(addrOf(info.RemoteAddr))
	if !ok {
		return nil, errRefused
	}
	e := &entry{srv: s, peer: info.RemoteAddr.String(), done: done, sure: func() {}}
	if !info.AddrVerified {
		s.doubt.Add(1)
		e.sure = sync.OnceFunc(func() { s.doubt.Add(-1) })
	}
	context.AfterFunc(ctx, func() { e.end(context.Cause(ctx)) })
	return context.WithValue(ctx, entryKey{}, e), nil
}

// shaken waits for the end of the handshake. It is called when there is a conn.
func (e *entry) shaken(q *quic.Conn) {
	select {
	case <-q.HandshakeComplete():
	case <-q.Context().Done():
		select {
		case <-q.HandshakeComplete(): // the client has closed the connection at once
		default:
			e.failed(context.Cause(q.Context()))
			return
		}
	}
	e.sure()
	e.judged.Do(func() {
		state := q.ConnectionState().TLS
		e.srv.o.TLS.Shaken(&state)
	})
}

// end is called when the connection is closed, with the reason.
func (e *entry) end(why error) {
	e.sure()
	e.done()
	if !e.taken.Load() {
		e.failed(why)
	}
}

func (e *entry) failed(why error) {
	if why != nil {
		e.judged.Do(func() { e.srv.o.TLS.NotShaken(e.peer, plain(why)) })
	}
}

// plain returns the error as TLS over TCP has it.
func plain(err error) error {
	transport, ok := errors.AsType[*quic.TransportError](err)
	switch {
	case errors.As(err, new(*quic.IdleTimeoutError)), errors.As(err, new(*quic.HandshakeTimeoutError)):
		return os.ErrDeadlineExceeded
	case errors.As(err, new(*quic.ApplicationError)):
		return io.EOF
	case !ok:
		return err
	case transport.Remote && transport.ErrorCode.IsCryptoError():
		return &net.OpError{Op: "remote error", Net: "udp", Err: errors.New(err.Error())} // without net.ErrClosed
	case transport.Remote:
		return io.EOF
	}
	for _, inner := range transport.Unwrap() { // it says net.ErrClosed in front of them
		if inner != nil && !errors.Is(inner, net.ErrClosed) {
			return inner
		}
	}
	return errors.New(err.Error())
}
