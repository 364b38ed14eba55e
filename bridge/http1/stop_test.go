package http1

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/listen"
)

// shutdown begins Shutdown, and returns how it ended.
func (g *rig) shutdown(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	go func() { done <- g.group.Shutdown(ctx) }()
	bridgetest.Until(g.t, "Shutdown to begin", g.server.closing.Load)
	return done
}

// refusesConnections checks that no further connection is served.
func (g *rig) refusesConnections() {
	g.t.Helper()
	bridgetest.Until(g.t, "the listener to be closed", func() bool {
		c, err := net.Dial(g.addr.Network(), g.addr.String())
		if err == nil {
			c.Close()
		}
		return err != nil
	})
}

// Shutdown closes idle connections at once, and has requests that have begun answered.
func TestShutdown(t *testing.T) {
	each(t, func(t *testing.T, network string) {
		begun, end := make(chan bool, 10), make(chan bool)
		g := newRigOn(t, network, Options{HeaderTimeout: patience, IdleTimeout: patience}, listen.Options{}, func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/headed":
				flush(t, w)
				fallthrough
			case "/wait":
				begun <- true
				<-end
			case "/upload":
				begun <- true
				if _, err := io.Copy(io.Discard, r.Body); err != nil {
					t.Error(err)
				}
			}
			_, _ = io.WriteString(w, "answer")
		})
		idle := g.dial()
		idle.kept()
		waiting, headed, upload, head := g.dial(), g.dial(), g.dial(), g.dial()
		waiting.send(requestOf("GET /wait HTTP/1.1") + requestOf("GET /behind HTTP/1.1"))
		headed.send(requestOf("GET /headed HTTP/1.1"))
		upload.send(requestOf("POST /upload HTTP/1.1", "Content-Length: 4") + "ab")
		for range 3 {
			wait(t, "the requests", begun)
		}
		head.kept()
		head.send("GET /head HTTP/1.1\r\n")
		bridgetest.Until(t, "the head to be read", func() bool { // a part of it
			for _, c := range g.server.list() {
				c.mu.Lock()
				reading := !c.idle && c.served == 1 && c.ctx.Load() == nil
				c.mu.Unlock()
				if reading {
					return true
				}
			}
			return false
		})
		done := g.shutdown(t.Context())
		at := time.Now()
		idle.ends()
		if d := time.Since(at); d > patience/2 {
			t.Errorf("an idle connection ended after %v", d)
		}
		g.refusesConnections()
		head.send("Host: h\r\n\r\n")
		if a := head.read("GET"); a.status != 200 || a.body != "answer" || !a.close {
			t.Errorf("a head that had begun: %q %q", a.head, a.body)
		}
		upload.send("cd")
		if a := upload.read("POST"); a.status != 200 || a.body != "answer" || !a.close {
			t.Errorf("a body that had begun: %q %q", a.head, a.body)
		}
		select {
		case err := <-done:
			t.Errorf("Shutdown has not waited: %v", err)
		default:
		}
		close(end)
		if a := waiting.read("GET"); a.status != 200 || a.body != "answer" || !a.close {
			t.Errorf("a request that ran: %q %q", a.head, a.body)
		}
		if a := headed.read("GET"); a.status != 200 || a.body != "answer" || a.err != nil {
			t.Errorf("an answer that had begun: %q %q", a.head, a.body)
		}
		for _, p := range []*peer{head, upload, waiting, headed} {
			p.ends()
			p.Close()
		}
		if err := wait(t, "Shutdown", done); err != nil {
			t.Error(err)
		}
	})
}

// A request that is in the socket when the server stops is answered, on a kept connection
// and on a new one.
func TestShutdownBesideRequests(t *testing.T) {
	for round := range 20 {
		var ran atomic.Int32
		g := newRig(t, Options{HeaderTimeout: patience, IdleTimeout: patience}, func(w http.ResponseWriter, r *http.Request) {
			ran.Add(1)
			_, _ = io.WriteString(w, "answer")
		})
		kept, fresh := g.dial(), g.dial()
		kept.kept()
		bridgetest.Until(t, "both connections", func() bool { return g.group.Connections() == 2 })
		kept.send(requestOf("GET /kept HTTP/1.1"))
		at := time.Now()
		done := g.shutdown(t.Context())
		_, _ = io.WriteString(fresh, requestOf("GET /fresh HTTP/1.1"))
		late := time.Since(at) > lastMoment/2 // this machine is busy
		for name, p := range map[string]*peer{"kept": kept, "fresh": fresh} {
			if a, err := p.try("GET"); (err != nil || a.status != 200 || a.body != "answer" || a.err != nil) && !(name == "fresh" && late) {
				t.Errorf("round %d: %s: %q %q %v", round, name, a.head, a.body, err)
			}
			p.Close()
		}
		if err := wait(t, "Shutdown", done); err != nil || ran.Load() != 3 && !late {
			t.Errorf("%v, %d requests", err, ran.Load())
		}
		g.close()
	}
}

// A new connection without a request ends soon.
func TestShutdownOfASilentConnection(t *testing.T) {
	g := newRig(t, Options{HeaderTimeout: patience, IdleTimeout: patience}, func(http.ResponseWriter, *http.Request) {})
	p := g.dial()
	bridgetest.Until(t, "the connection", func() bool { return g.group.Connections() == 1 })
	begun := time.Now()
	if err := wait(t, "Shutdown", g.shutdown(t.Context())); err != nil || time.Since(begun) > patience/2 {
		t.Errorf("%v after %v", err, time.Since(begun))
	}
	p.ends()
}

// Shutdown returns with its context, and Close ends what is left: handlers are told, and no
// goroutine stays.
func TestClose(t *testing.T) {
	each(t, func(t *testing.T, network string) {
		base := runtime.NumGoroutine()
		begun, told := make(chan bool, 10), make(chan string, 10)
		g := newRigOn(t, network, Options{HeaderTimeout: patience, IdleTimeout: patience}, listen.Options{}, func(w http.ResponseWriter, r *http.Request) {
			d := newGone()
			switch r.URL.Path {
			case "/wait":
				recOf(w).Conn.OnDisconnect(d)
				begun <- true
				wait(t, "Done", r.Context().Done())
				wait(t, "ClientGone", d.ch)
			case "/upload":
				begun <- true
				if _, err := io.Copy(io.Discard, r.Body); err == nil {
					t.Error("the body was read")
				}
			case "/write":
				begun <- true
				for {
					if _, err := w.Write(make([]byte, 100_000)); err != nil {
						break
					}
				}
			case "/linger":
				return
			}
			told <- r.URL.Path
		})
		requests := []string{requestOf("GET /wait HTTP/1.1"), requestOf("POST /wait HTTP/1.1", "Content-Length: 1") + "x", requestOf("POST /upload HTTP/1.1", "Content-Length: 2") + "x",
			requestOf("POST /upload HTTP/1.1", "Transfer-Encoding: chunked") + "5\r\nx", requestOf("GET /write HTTP/1.1")}
		peers := []*peer{g.dial(), g.dial(), g.dial()} // new, idle, lingering
		peers[1].send(requestOf("GET /linger HTTP/1.1"))
		peers[1].read("GET")
		peers[2].send(requestOf("POST /linger HTTP/1.1", "Content-Length: 1000000") + "x")
		peers[2].read("POST")
		half := g.dial()
		half.send("GET /half")
		for _, request := range requests {
			p := g.dial()
			p.send(request)
			wait(t, "the handler", begun)
			peers = append(peers, p)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if err := g.group.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown: %v", err)
		}
		g.close()
		for range requests {
			wait(t, "the handlers to be told", told)
		}
		if n := g.group.Connections(); n != 0 {
			t.Errorf("%d connections are left", n)
		}
		for _, p := range append(peers, half) {
			p.Close()
		}
		bridgetest.Until(t, "all goroutines to end", func() bool { return runtime.NumGoroutine() <= base })
		if err := g.server.Close(); err != nil {
			t.Errorf("a second Close: %v", err)
		}
		a, b := net.Pipe()
		g.server.ServeConn(a) // closed at once
		if _, err := b.Read(make([]byte, 1)); err == nil {
			t.Error("a connection is served after Close")
		}
	})
}

// Leave closes the listener; each connection ends with its next answer, and not before.
func TestLeave(t *testing.T) {
	begun, end := make(chan bool), make(chan bool)
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			begun <- true
			<-end
		}
		_, _ = io.WriteString(w, r.RequestURI)
	})
	idle, running := g.dial(), g.dial()
	idle.kept()
	running.send(requestOf("GET /wait HTTP/1.1"))
	wait(t, "the handler", begun)
	left := make(chan bool)
	go func() { g.group.Leave(t.Context()); close(left) }()
	bridgetest.Until(t, "Leave to begin", g.server.leaving.Load)
	g.refusesConnections()
	end <- true
	if a := running.read("GET"); a.body != "/wait" || !a.close {
		t.Errorf("%q %q", a.head, a.body)
	}
	running.ends()
	if a := idle.get("/last"); a.body != "/last" || !a.close {
		t.Errorf("%q %q", a.head, a.body)
	}
	idle.ends()
	wait(t, "Leave", left)
}

// A connection that did not come from a Group is served, too, until it is closed.
func TestServeConn(t *testing.T) {
	for _, s := range []*Server{New(echo(t), Options{HeaderTimeout: patience, IdleTimeout: patience}), New(echo(t), Options{})} {
		client, server := net.Pipe()
		served := make(chan bool)
		go func() { s.ServeConn(server); close(served) }()
		p := &peer{client, t, bufio.NewReader(client)}
		p.send(requestOf("POST / HTTP/1.1", "Content-Length: 5") + "hello")
		if a := p.read("POST"); a.status != 200 || a.body != "hello" || a.close {
			t.Errorf("%q %q", a.head, a.body)
		}
		select {
		case <-served:
			t.Error("ServeConn has not waited for the next request")
		case <-time.After(2 * coolAfter):
		}
		p.send(requestOf("GET / HTTP/1.1", "Connection: close"))
		if a := p.read("GET"); a.status != 200 || !a.close {
			t.Errorf("%q", a.head)
		}
		p.ends()
		wait(t, "ServeConn", served)
	}
}

// A connection that has been idle for a while, and waits on another goroutine, is as it was.
func TestServeBehindAnIdleTime(t *testing.T) {
	each(t, func(t *testing.T, network string) {
		for _, limit := range []time.Duration{0, patience} {
			g := newRigOn(t, network, Options{IdleTimeout: limit, MaxRequests: 3}, listen.Options{}, echo(t))
			p, leaves := g.dial(), g.dial()
			p.kept()
			leaves.kept()
			bridgetest.Until(t, "the connections to wait on other goroutines", func() bool {
				var b strings.Builder
				_ = pprof.Lookup("goroutine").WriteTo(&b, 2)
				return strings.Count(b.String(), "created by github.com/standpipe/standpipe/bridge/http1.(*conn).serve") == 2
			})
			if a := p.get("/"); a.status != 200 || a.close {
				t.Errorf("%q", a.head)
			}
			leaves.Close()
			bridgetest.Until(t, "the end of a connection", func() bool { return g.group.Connections() == 1 })
			if a := p.get("/"); a.status != 200 || !a.close {
				t.Errorf("%q", a.head)
			}
			p.ends()
			idle := g.dial()
			idle.kept()
			time.Sleep(2 * coolAfter) // about when it changes goroutines
			if err := wait(t, "Shutdown", g.shutdown(t.Context())); err != nil {
				t.Error(err)
			}
			idle.ends()
		}
	})
}
