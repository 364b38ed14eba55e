package nethttp

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/accesslog"
	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/chain"
	"github.com/standpipe/standpipe/bridge/forwarded"
	"github.com/standpipe/standpipe/bridge/listen"
)

// settings are what a front is made of.
type settings struct {
	web     Options
	group   listen.Options
	trust   []string
	health  chain.Readiness // nil: health checks are off
	limits  chain.LimitsOptions
	format  accesslog.Format
	observe chain.Observer // nil: none
}

// front is a Server with the stages of a site on a free port.
type front struct {
	t         *testing.T
	addr      string
	group     *listen.Group
	observers []chain.Observer
	lines     *bridgetest.Log // the access log
	logs      *bridgetest.Log
}

func newFront(t *testing.T, inner http.HandlerFunc, change func(*settings)) *front {
	f := &front{t: t, lines: new(bridgetest.Log), logs: new(bridgetest.Log)}
	logger := hclog.New(&hclog.LoggerOptions{Output: f.logs, JSONFormat: true, Level: hclog.Debug})
	s := settings{web: Options{ReadHeaderTimeout: 10 * time.Second, Log: logger}, group: listen.Options{Log: logger}, trust: forwarded.DefaultTrust,
		limits: chain.LimitsOptions{MaxBody: 1 << 20, MaxTarget: 1000, Log: logger}, format: accesslog.Combined}
	s.web.Refused = func(remote string, status int) { chain.Refused(remote, status, f.observers) }
	if change != nil {
		change(&s)
	}
	trust, err := forwarded.ParseTrust(s.trust)
	if err != nil {
		t.Fatal(err)
	}
	fields, err := forwarded.ParseFields([]string{"for", "proto", "id"})
	if err != nil {
		t.Fatal(err)
	}
	access, err := accesslog.New(func() (io.WriteCloser, error) { return f.lines, nil }, s.format, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.observers = append(f.observers, access.Request)
	if s.observe != nil {
		f.observers = append(f.observers, s.observe)
	}
	h := http.Handler(inner)
	h = chain.Limits(s.limits)(h)
	h = forwarded.New(forwarded.Options{Trust: trust, Fields: fields, Log: logger})(h)
	if s.health != nil {
		h = chain.Health(chain.HealthOptions{Ready: s.health})(h)
	}
	h = chain.Path()(h)
	h = chain.ServerField("standpipe")(h)
	h = chain.ID(fields.ID())(h)
	h = forwarded.Peer(trust)(h)
	h = chain.Panics(chain.PanicsOptions{Log: logger})(h)
	h = chain.Done(f.observers...)(h)
	ln, err := listen.Listen(context.Background(), listen.Spec{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	f.addr = ln.Addr().String()
	var wait func()
	f.group, wait = serve(t, ln, h, s.web, s.group)
	t.Cleanup(func() {
		f.group.Close()
		wait()
		access.Close()
	})
	return f
}

// serve serves h on ln; wait waits until that has ended.
func serve(t testing.TB, ln net.Listener, h http.Handler, o Options, of listen.Options) (_ *listen.Group, wait func()) {
	g := listen.NewGroup(of)
	done := make(chan error, 1)
	go func() { done <- g.Serve(ln, New(h, o)) }()
	return g, func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// raw writes bytes in one segment and returns all that comes until the server closes.
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

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	bridgetest.Until(t, what, ok)
}

// accessLines waits for n lines.
func (f *front) accessLines(n int) []string {
	f.t.Helper()
	until(f.t, "access log lines", func() bool { return strings.Count(f.lines.String(), "\n") >= n })
	return strings.Split(strings.TrimRight(f.lines.String(), "\n"), "\n")
}

// accepted is a listen.Protocol that serves nothing: it gives a connection to a test.
type accepted chan net.Conn

func (a accepted) Serve(ln net.Listener) error {
	defer ln.Close()
	nc, err := ln.Accept()
	if err == nil {
		a <- nc
	}
	return err
}

func (accepted) Leave()                         {}
func (accepted) Shutdown(context.Context) error { return nil }
func (accepted) Close() error                   { return nil }

// pairOf is a connection of ours and its client.
func pairOf(t *testing.T) (*conn, *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g, a := listen.NewGroup(listen.Options{}), make(accepted, 1)
	go func() { _ = g.Serve(ln, a) }()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	served := <-a
	t.Cleanup(func() { client.Close(); served.Close() })
	return newConn(New(nil, Options{}), served.(*listen.Conn)), client.(*net.TCPConn)
}
