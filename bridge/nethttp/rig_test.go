package server

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// front is a Server with a Chain on a free port.
type front struct {
	t      *testing.T
	addr   string
	server *Server
	chain  *Chain
	access *AccessLog
	lines  *sink
	logs   *sink
}

// sink is a WriteCloser that can be read.
type sink struct {
	mu     sync.Mutex
	b      bytes.Buffer
	closed bool
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *sink) Close() error { s.mu.Lock(); defer s.mu.Unlock(); s.closed = true; return nil }

func (s *sink) String() string { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }

func newFront(t *testing.T, inner http.HandlerFunc, change func(*Options, *ChainOptions)) *front {
	f := &front{t: t, lines: new(sink), logs: new(sink)}
	logger := hclog.New(&hclog.LoggerOptions{Output: f.logs, JSONFormat: true, Level: hclog.Debug})
	trust, err := ParseTrust(DefaultTrust)
	if err != nil {
		t.Fatal(err)
	}
	o, co := Options{ReadHeaderTimeout: 10 * time.Second, Log: logger}, ChainOptions{Trust: trust, Fields: &Fields{client: true, proto: true, id: true}, ServerHeader: "standpipe", MaxBody: 1 << 20, MaxTarget: 1000, Log: logger}
	f.access, err = NewAccessLog(func() (io.WriteCloser, error) { return f.lines, nil }, Combined, nil)
	if err != nil {
		t.Fatal(err)
	}
	co.Access = f.access
	if change != nil {
		change(&o, &co)
	}
	ln, err := Listen(context.Background(), Spec{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	f.addr = ln.Addr().String()
	f.chain = NewChain(inner, co)
	f.server = New(f.chain, o)
	done := make(chan error, 1)
	go func() { done <- f.server.Serve(ln) }()
	t.Cleanup(func() {
		f.server.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
		f.access.Close()
	})
	return f
}

// raw writes octets in one segment and returns all that comes until the server
// closes or is silent; shut: our side is closed for writing.
func (f *front) raw(request string) string {
	f.t.Helper()
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		f.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
	if _, err := io.WriteString(c, request); err != nil {
		f.t.Fatal(err)
	}
	var b strings.Builder
	if _, err := io.Copy(&b, c); err != nil && !strings.Contains(err.Error(), "reset") {
		f.t.Errorf("%.60q: %v; so far: %s", request, err, b.String())
	}
	return b.String()
}

// until polls.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) { // between polls
		if time.Now().After(end) {
			t.Fatal("waited in vain for " + what)
		}
	}
}

// access waits for n lines.
func (f *front) accessLines(n int) []string {
	f.t.Helper()
	until(f.t, "access log lines", func() bool { return strings.Count(f.lines.String(), "\n") >= n })
	return strings.Split(strings.TrimRight(f.lines.String(), "\n"), "\n")
}

// pairOf is a connection of ours and its client.
func pairOf(t *testing.T) (*conn, *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	served, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); served.Close() })
	_ = client.(*net.TCPConn).SetReadBuffer(64 << 10)
	return New(nil, Options{}).newConn(served), client.(*net.TCPConn)
}
