package http1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/listen"
)

// late, counted from the time at which the client is watched, is later than the time within which a client that closes its side
// waits for its answer (listen.halfCloseTime). Over TCP a full close begins in the same way.
const late = 120 * time.Millisecond

// leave are the ways in which a client may end, each of which disconnects it.
var leave = map[string]func(t *testing.T, p *peer, c *conn){
	"late close":      func(t *testing.T, p *peer, c *conn) { untilWatched(t, c); time.Sleep(late); p.Close() },
	"late half-close": func(t *testing.T, p *peer, c *conn) { untilWatched(t, c); time.Sleep(late); p.closeWrite() },
	"reset":           func(_ *testing.T, p *peer, _ *conn) { p.reset() },
}

// untilWatched waits until the system watches the client of c: what it closes before that counts as closed early, however late
// that is. The watch has an epoll instance of its own, for other events than Go's.
func untilWatched(t *testing.T, c *conn) {
	t.Helper()
	var fd uintptr
	if err := c.raw.Control(func(n uintptr) { fd = n }); err != nil {
		t.Fatal(err)
	}
	entry := regexp.MustCompile(fmt.Sprintf(`(?m)^tfd: +%d events: +%x `, fd, unix.EPOLLRDHUP|unix.EPOLLET|unix.EPOLLERR|unix.EPOLLHUP))
	bridgetest.Until(t, "the client to be watched", func() bool {
		names, err := filepath.Glob("/proc/self/fdinfo/*")
		if err != nil || len(names) == 0 {
			t.Fatal("no /proc/self/fdinfo", err)
		}
		return slices.ContainsFunc(names, func(name string) bool {
			info, _ := os.ReadFile(name) // of one that was closed meanwhile: nothing
			return entry.Match(info)
		})
	})
}

// A handler learns that its client has disconnected by the context of its request, by its
// AfterFunc, and by OnDisconnect: once.
func TestDisconnects(t *testing.T) {
	each(t, func(t *testing.T, network string) {
		begun, told := make(chan *conn), make(chan error, 1)
		var last atomic.Pointer[gone]
		g := newRigOn(t, network, Options{}, listen.Options{}, func(w http.ResponseWriter, r *http.Request) {
			ctx := r.Context()
			if r.URL.Path == "/body" {
				if _, err := io.ReadAll(r.Body); err != nil {
					t.Error(err)
				}
			}
			d := newGone()
			last.Store(d)
			after := make(chan bool)
			stop := context.AfterFunc(ctx, func() { close(after) })
			never := context.AfterFunc(ctx, func() { t.Error("a function that was stopped has run") })
			if !never() || never() {
				t.Error("stop does not say that it stopped")
			}
			recOf(w).Conn.OnDisconnect(d)
			begun <- recOf(w).Unwrap().(*writer).c
			switch r.URL.Path {
			case "/after":
				wait(t, "AfterFunc", after)
			case "/told":
				wait(t, "ClientGone", d.ch)
				d.ch <- true
			default:
				wait(t, "Done", ctx.Done())
			}
			wait(t, "Done", ctx.Done())
			wait(t, "AfterFunc", after)
			wait(t, "ClientGone", d.ch)
			if stop() {
				t.Error("a function that has run was stopped")
			}
			again := newGone() // at once
			recOf(w).Conn.OnDisconnect(again)
			if again.n.Load() != 1 {
				t.Errorf("a second OnDisconnect was told %d times", again.n.Load())
			}
			select {
			case told <- ctx.Err():
			default:
				t.Error("it was not expected")
			}
		})
		for name, end := range leave {
			for _, request := range []string{requestOf("GET /done HTTP/1.1"), requestOf("GET /after HTTP/1.1"), requestOf("GET /told HTTP/1.0"),
				requestOf("POST /body HTTP/1.1", "Content-Length: 2") + "ab", requestOf("POST /body HTTP/1.1", "Transfer-Encoding: chunked") + "2\r\nab\r\n0\r\n\r\n"} {
				p := g.dial()
				p.send(request)
				end(t, p, wait(t, "the handler", begun))
				if err := wait(t, "the handler to be told", told); !errors.Is(err, context.Canceled) {
					t.Errorf("%s: %v", name, err)
				}
				if n := last.Load().n.Load(); n != 1 {
					t.Errorf("%s: told %d times", name, n)
				}
				p.Close()
			}
		}
	})
}

// A client that closes its side at once behind its request waits for the answer. The server takes the connections when that has
// happened, so that it is at once however busy this machine is.
func TestHalfClose(t *testing.T) {
	each(t, func(t *testing.T, network string) {
		g := heldRigOn(t, network, Options{}, listen.Options{}, func(w http.ResponseWriter, r *http.Request) {
			d := newGone()
			recOf(w).Conn.OnDisconnect(d)
			_, _ = io.Copy(io.Discard, r.Body)
			if r.URL.Path == "/long" {
				select {
				case <-r.Context().Done():
					t.Error("the context ended")
				case <-time.After(200 * time.Millisecond):
				}
			}
			_, _ = io.WriteString(w, "answer")
			if d.n.Load() != 0 {
				t.Error("the handler was told")
			}
		})
		requests := []string{requestOf("GET /short HTTP/1.1"), requestOf("GET /long HTTP/1.1"), requestOf("POST /long HTTP/1.1", "Content-Length: 1") + "x", requestOf("GET /long HTTP/1.0")}
		var peers []*peer
		for _, request := range requests {
			p := g.dial()
			p.send(request)
			p.closeWrite()
			peers = append(peers, p)
		}
		g.serve()
		for i, p := range peers {
			request := requests[i]
			if a := p.read("GET"); a.status != 200 || a.body != "answer" || a.err != nil {
				t.Errorf("%q: %q %q %v", request, a.head, a.body, a.err)
			}
			p.ends()
		}
	})
}

// A handler that has returned is told nothing, whatever the client does then: the end of
// the request ends its context, and no more.
func TestNotToldBehindTheHandler(t *testing.T) {
	d := newGone()
	contexts := make(chan context.Context, 1)
	after := make(chan bool, 1)
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/told" {
			return
		}
		ctx := r.Context()
		context.AfterFunc(ctx, func() { after <- true })
		recOf(w).Conn.OnDisconnect(d)
		time.Sleep(40 * time.Millisecond) // the request is watched by now
		contexts <- ctx
	})
	p := g.dial()
	if a := p.get("/told"); a.status != 200 {
		t.Errorf("%q", a.head)
	}
	ctx := <-contexts
	wait(t, "the end of the context", ctx.Done())
	wait(t, "AfterFunc", after)
	p.kept()
	p.reset()
	g.close() // all goroutines have ended
	if n := d.n.Load(); n != 0 {
		t.Errorf("told %d times", n)
	}
}

// A context that a handler has kept stays as it is, whatever the connection does next.
func TestContextsAreNotUsedAgain(t *testing.T) {
	kept := make(chan context.Context, 3)
	requests := make(chan *http.Request, 10)
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if ctx.Err() != nil {
			t.Errorf("%s began with %v", r.RequestURI, ctx.Err())
		}
		requests <- r
		switch r.URL.Path {
		case "/done":
			select {
			case <-ctx.Done():
				t.Error("the context has ended")
			default:
			}
			kept <- ctx
		case "/child":
			child, cancel := context.WithTimeout(ctx, time.Hour)
			_ = cancel // by the parent
			kept <- child
		}
	})
	p := g.dial()
	for _, target := range []string{"/done", "/child"} {
		p.get(target)
		ctx, of := <-kept, <-requests
		wait(t, "the end of the context", ctx.Done())
		for range 3 {
			p.get("/next")
			if next := <-requests; next == of {
				t.Errorf("%s: its request is used again", target)
			}
			if !errors.Is(ctx.Err(), context.Canceled) {
				t.Errorf("%s: its context is %v", target, ctx.Err())
			}
		}
	}
}

// A write to a client that is gone fails, and the connection ends.
func TestWritesBehindTheClient(t *testing.T) {
	begun, ended := make(chan bool), make(chan error, 1)
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		begun <- true
		<-r.Context().Done()
		var err error
		for i := 0; err == nil && i < 100_000; i++ {
			_, err = w.Write(make([]byte, 10_000))
		}
		ended <- err
	})
	p := g.dial()
	p.send(requestOf("GET / HTTP/1.1"))
	<-begun
	p.reset()
	if err := wait(t, "the handler", ended); err == nil {
		t.Error("no error")
	}
	if n := g.logs.String(); n != "" {
		t.Errorf("records: %s", n)
	}
}
