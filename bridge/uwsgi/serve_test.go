package uwsgi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/listen"
	"github.com/standpipe/standpipe/shim/wire"
)

// rig is a Server on a real socket.
type rig struct {
	t       *testing.T
	srv     *Server
	addr    net.Addr
	log     *bridgetest.Log
	mu      sync.Mutex
	refused []int
	done    chan error // of Serve
}

func newRig(t *testing.T, network string, h http.HandlerFunc) *rig {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	g := &rig{t: t, addr: ln.Addr(), log: &bridgetest.Log{}, done: make(chan error, 1)}
	g.srv = New(h, Options{HeaderTimeout: 10 * time.Second, MaxHead: 32 << 10, Log: hclog.New(&hclog.LoggerOptions{Output: g.log}), Refused: func(_ string, status int) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.refused = append(g.refused, status)
	}})
	group := listen.NewGroup(listen.Options{})
	go func() { g.done <- group.Serve(ln, g.srv) }()
	t.Cleanup(func() {
		group.Close()
		<-g.done
	})
	return g
}

func (g *rig) dial() net.Conn {
	g.t.Helper()
	c, err := net.Dial(g.addr.Network(), g.addr.String())
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
	return c
}

// packet is a request's packet; each pair is NAME=VALUE.
func packet(pairs ...string) string {
	var list []wire.Var
	for _, kv := range append([]string{"REQUEST_METHOD=GET", "PATH_INFO=/", "SERVER_PROTOCOL=HTTP/1.1", "HTTP_HOST=h"}, pairs...) {
		name, value, _ := strings.Cut(kv, "=")
		list = append(list, wire.Var{Name: name, Value: value})
	}
	p, err := appendPacket(nil, list)
	if err != nil {
		panic(err)
	}
	return string(p)
}

// ask sends bytes and reads to the end. The writing side stays open: the end of a
// body is never the end of the connection.
func (g *rig) ask(bytes string) (string, error) {
	g.t.Helper()
	c := g.dial()
	if _, err := io.WriteString(c, bytes); err != nil {
		g.t.Fatal(err)
	}
	b, err := io.ReadAll(c)
	return string(b), err
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("0123456789abcdef", 8<<10)
	g := newRig(t, "tcp", func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Date"] = nil
		switch r.URL.Path {
		case "/nothing":
		case "/small":
			io.WriteString(w, "some")
			io.WriteString(w, "thing")
		case "/flushed":
			w.WriteHeader(http.StatusEarlyHints) // swallowed
			w.(http.Flusher).Flush()
			io.WriteString(w, "x")
		case "/big":
			io.WriteString(w, big)
		case "/fields":
			h["Connection"], h["Transfer-Encoding"], h["Keep-Alive"] = []string{"close"}, []string{"chunked"}, []string{"5"}
			h["Set-Cookie"] = []string{"a=1", "b=2"}
			h["X-Evil"] = []string{"a\r\nX-Injected: b"}
			w.WriteHeader(http.StatusFound)
		case "/304":
			h["Etag"] = []string{`"e"`}
			w.WriteHeader(http.StatusNotModified)
		case "/length":
			h["Content-Length"] = []string{"5"}
			fmt.Fprint(w, "12345")
			if _, err := fmt.Fprint(w, "6"); err != http.ErrContentLength {
				t.Errorf("beyond Content-Length: %v", err)
			}
		case "/body":
			b, err := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%d %d %s %v", r.ContentLength, len(b), r.TransferEncoding, err)
		}
	})
	for _, c := range []struct{ name, packet, want string }{
		{"nothing", packet("PATH_INFO=/nothing"), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
		{"small", packet("PATH_INFO=/small"), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsomething"},
		{"head", packet("PATH_INFO=/small", "REQUEST_METHOD=HEAD"), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"},
		{"flushed", packet("PATH_INFO=/flushed"), "HTTP/1.1 200 OK\r\n\r\nx"},
		{"big", packet("PATH_INFO=/big"), "HTTP/1.1 200 OK\r\n\r\n" + big},
		{"HTTP/1.0", packet("PATH_INFO=/small", "SERVER_PROTOCOL=HTTP/1.0"), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsomething"},
		{"fields", packet("PATH_INFO=/fields"), "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Evil: a  X-Injected: b\r\n\r\n"},
		{"304", packet("PATH_INFO=/304"), "HTTP/1.1 304 Not Modified\r\nEtag: \"e\"\r\n\r\n"},
		{"length", packet("PATH_INFO=/length"), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345"},
		{"body", packet("PATH_INFO=/body", "CONTENT_LENGTH=3") + "abc", "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n3 3 [] <nil>"},
		{"more body than declared", packet("PATH_INFO=/body", "CONTENT_LENGTH=3") + "abcdef", "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n3 3 [] <nil>"},
		{"chunked beside a length", packet("PATH_INFO=/body", "CONTENT_LENGTH=3", "HTTP_TRANSFER_ENCODING=chunked") + "abc", "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n3 3 [] <nil>"},
		{"no body", packet("PATH_INFO=/body", "REQUEST_METHOD=POST", "HTTP_TRANSFER_ENCODING=chunked"), "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n0 0 [] <nil>"},
		{"ping", "\x64\x00\x00\x00", "\x64\x00\x00\x01"},
		{"refused", packet("PATH_INFO=/", "CONTENT_LENGTH=1", "CONTENT_LENGTH=1") + "x", "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 12\r\n\r\nBad Request\n"},
		{"broken", "\x00\x04\x00\x00\xff\xff\xff\xff", "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 12\r\n\r\nBad Request\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := g.ask(c.packet)
			if got != c.want && (len(got) > 300 || !strings.HasPrefix(c.name, "more body")) {
				t.Errorf("got %.300q\nwant %.300q", got, c.want)
			}
			if err != nil && !strings.HasPrefix(c.name, "more body") { // undeclared bytes make the close a reset
				t.Error(err)
			}
		})
	}
	got, _ := g.ask(packet("X=" + strings.Repeat("x", 32<<10)))
	if !strings.HasPrefix(got, "HTTP/1.1 431 ") {
		t.Errorf("max_head: %q", got)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if fmt.Sprint(g.refused) != "[400 400 431]" {
		t.Errorf("refused: %v", g.refused)
	}
}

// A body arrives in pieces, and its end is not the end of the connection.
func TestBodyInPieces(t *testing.T) {
	t.Parallel()
	g := newRig(t, "tcp", func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %v", b, err)
	})
	c := g.dial()
	p := packet("CONTENT_LENGTH=6") + "abcdef"
	for i := range len(p) {
		if _, err := io.WriteString(c, p[i:i+1]); err != nil {
			t.Fatal(err)
		}
	}
	b, err := io.ReadAll(c)
	if err != nil || !strings.HasSuffix(string(b), "\r\n\r\nabcdef <nil>") {
		t.Errorf("%q %v", b, err)
	}
}

// What is no request for a WSGI app is closed without an answer, and named.
func TestOtherModifiers(t *testing.T) {
	t.Parallel()
	g := newRig(t, "tcp", func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") })
	for m, name := range map[byte]string{5: "Perl", 9: "CGI", 14: "PHP", 17: "spooler", 22: "code evaluation", 110: "signal", 111: "cache", 173: "RPC", 66: "modifier1 66", 71: "HTTP"} {
		got, _ := g.ask(string([]byte{m, 4, 0, 0}) + "exit")
		if got != "" {
			t.Errorf("%d: %q", m, got)
		}
		if log := g.log.String(); !strings.Contains(log, name) {
			t.Errorf("modifier %d: no %q in the log:\n%s", m, name, log)
		}
	}
}

// A packet that ends early is never a part of a request.
func TestTruncatedPackets(t *testing.T) {
	t.Parallel()
	g := newRig(t, "tcp", func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != io.ErrUnexpectedEOF {
			t.Errorf("%s: the body's error is %v", r.URL.Path, err)
		}
	})
	p := packet("CONTENT_LENGTH=3", "PATH_INFO=/cut") + "ab"
	for _, n := range []int{0, 1, 3, 4, 20, len(p) - 3, len(p)} { // the last is a whole packet, whose body is short
		c := g.dial()
		if _, err := io.WriteString(c, p[:n]); err != nil {
			t.Fatal(err)
		}
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if b, _ := io.ReadAll(c); n < len(p)-2 && len(b) > 0 {
			t.Errorf("%d bytes: %q", n, b)
		}
	}
	if log := g.log.String(); !strings.Contains(log, "uwsgi_refused") {
		t.Errorf("log:\n%s", log)
	}
}

// An answer that is cut off ends in a reset; over a unix socket it is logged.
func TestCutAnswers(t *testing.T) {
	t.Parallel()
	cut := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/raise":
			io.WriteString(w, "some")
			w.(http.Flusher).Flush()
			httpx.Find(w).Abort()
		case "/short":
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "some")
		case "/panic":
			io.WriteString(w, "some")
			panic("boom")
		}
	}
	g := newRig(t, "tcp", cut)
	for _, path := range []string{"/raise", "/short", "/panic"} {
		b, err := g.ask(packet("PATH_INFO=" + path))
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s: %q ended with %v, want a reset", path, b, err)
		}
	}
	if !strings.Contains(g.log.String(), "boom") {
		t.Errorf("no panic in the log:\n%s", g.log)
	}
	u := newRig(t, "unix", cut)
	b, err := u.ask(packet("PATH_INFO=/raise"))
	if !strings.HasSuffix(string(b), "some") || err != nil {
		t.Errorf("%q %v", b, err)
	}
	if !strings.Contains(u.log.String(), "uwsgi_cut_unseen") {
		t.Errorf("not logged:\n%s", u.log)
	}
}

// The peer leaves: the request's context ends, with and without a body, and a read
// deadline of the body's that was left standing does not count as an end.
func TestPeerLeaves(t *testing.T) {
	t.Parallel()
	began, ended := make(chan struct{}), make(chan error)
	g := newRig(t, "tcp", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		select {
		case <-r.Context().Done():
			t.Error("the context ended while the peer was there")
		case <-time.After(100 * time.Millisecond): // five times the deadline
		}
		began <- struct{}{}
		<-r.Context().Done()
		ended <- r.Context().Err()
	})
	for _, p := range []string{packet(), packet("CONTENT_LENGTH=1") + "x"} {
		c := g.dial()
		io.WriteString(c, p)
		<-began
		c.Close()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

// A peer that leaves at once: it never waits for an answer on a connection that it has closed.
func TestPeerLeavesAtOnce(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"tcp", "unix"} {
		ended := make(chan error)
		g := newRig(t, network, func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			ended <- r.Context().Err()
		})
		c := g.dial()
		io.WriteString(c, packet())
		c.Close()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

// A body that the handler leaves is taken off the peer, so that its answer is not
// overtaken by a reset.
func TestUnreadBody(t *testing.T) {
	t.Parallel()
	g := newRig(t, "tcp", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusRequestEntityTooLarge) })
	c := g.dial()
	const size = 4 << 20
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c, packet(fmt.Sprint("CONTENT_LENGTH=", size))+strings.Repeat("x", size))
		c.(*net.TCPConn).CloseWrite()
		sent <- err
	}()
	if err := <-sent; err != nil {
		t.Errorf("the body was not taken: %v", err)
	}
	b, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(b), "HTTP/1.1 413 ") {
		t.Errorf("%q %v", b, err)
	}
}

// Shutdown answers what runs and what is on its way; then Serve has returned.
func TestShutdown(t *testing.T) {
	t.Parallel()
	began, gate := make(chan struct{}, 2), make(chan struct{})
	g := newRig(t, "tcp", func(w http.ResponseWriter, r *http.Request) {
		began <- struct{}{}
		<-gate
		io.WriteString(w, "done")
	})
	g.srv.lastMoment = 4 * time.Second // longer than a busy machine stands still
	idle, quick := g.dial(), g.dial()
	answer := make(chan string, 1)
	go func() {
		s, err := g.ask(packet())
		if err != nil {
			t.Error(err)
		}
		answer <- s
	}()
	<-began
	down := make(chan error, 1)
	go func() { down <- g.srv.Shutdown(context.Background()) }()
	g.done <- <-g.done // Serve has returned: the listener is closed
	io.WriteString(quick, packet())
	<-began
	if b, err := io.ReadAll(idle); len(b) > 0 || err != nil {
		t.Errorf("idle: %q %v", b, err)
	}
	select {
	case err := <-down:
		t.Fatalf("Shutdown did not wait: %v", err)
	default:
	}
	close(gate)
	if s := <-answer; !strings.HasSuffix(s, "done") {
		t.Errorf("%q", s)
	}
	if b, err := io.ReadAll(quick); err != nil || !strings.HasSuffix(string(b), "done") {
		t.Errorf("%q %v", b, err)
	}
	if err := <-down; err != nil {
		t.Error(err)
	}
	g.srv.mu.Lock()
	defer g.srv.mu.Unlock()
	if len(g.srv.conns) > 0 {
		t.Errorf("%d connections are left", len(g.srv.conns))
	}
}
