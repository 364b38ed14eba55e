package http1

import (
	"crypto/tls"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/listen"
	"github.com/standpipe/standpipe/shim/wire"
)

// link is what a conn needs of its connection. A *listen.Conn is one; plainLink makes one of
// any other net.Conn, without a watch.
type link interface {
	net.Conn
	// ReadBy bounds the waits for the head of a request, about as exactly as a second;
	// zero: they are not bounded.
	ReadBy(time.Time)
	// WriteParts writes a and then b: in one call, where the system can.
	WriteParts(a, b []byte) (int64, error)
	// SendFile writes head and then n bytes of f from off on. It returns how many bytes of
	// both were written: fewer without an error where the file is shorter.
	SendFile(head []byte, f *os.File, off, n int64) (int64, error)
	// WatchRequest has c told when its client disconnects, until EndRequest.
	WatchRequest(listen.Disconnecter)
	EndRequest()
	// LingeringClose closes after the client has had the time to read the answer.
	LingeringClose() error
	SetLinger(sec int) error
	// Upgraded makes the connection a tunnel, which end ends.
	Upgraded(t listen.Tunnel, end func())
}

// waiter is a connection that can wait without a buffer, but not be read below: it has TLS.
type waiter interface {
	// WaitRead returns when a read may have something to return.
	WaitRead() error
}

// secured is a connection with TLS.
type secured interface {
	// State does not change.
	State() *tls.ConnectionState
	// Variables are for the environ of each request.
	Variables() []wire.Var
	// Alternative is httpx.Ends's Alt.
	Alternative() *atomic.Pointer[string]
}

// linkOf returns nc as a link.
func linkOf(nc net.Conn) link {
	if l, ok := nc.(link); ok {
		return l
	}
	return plainLink{nc}
}

// plainLink is a connection that did not come from a listen.Group.
type plainLink struct{ net.Conn }

func (l plainLink) ReadBy(t time.Time) { _ = l.Conn.SetReadDeadline(t) }

func (l plainLink) WriteParts(a, b []byte) (int64, error) {
	parts := net.Buffers{a, b}
	return parts.WriteTo(l.Conn)
}

func (l plainLink) SendFile(head []byte, f *os.File, off, n int64) (int64, error) {
	m, err := l.Conn.Write(head)
	if err != nil {
		return int64(m), err
	}
	sent, err := io.Copy(l.Conn, io.NewSectionReader(f, off, n))
	return int64(m) + sent, err
}

func (plainLink) WatchRequest(listen.Disconnecter) {}
func (plainLink) EndRequest()                      {}
func (plainLink) Upgraded(listen.Tunnel, func())   {}

func (l plainLink) SetLinger(sec int) error {
	if s, ok := l.Conn.(interface{ SetLinger(int) error }); ok {
		return s.SetLinger(sec)
	}
	return nil
}

func (l plainLink) LingeringClose() error { return l.Conn.Close() }
