package shim_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
)

// owner records what a Conn tells.
type owner struct {
	mu      sync.Mutex
	noise   []byte
	hello   chan *wire.Hello
	ready   chan *wire.Ready
	freed   chan shim.Outcome
	stacks  chan string
	expired chan string
	stuck   chan int
	purge   func(*wire.Purge) (int, error) // nil: nothing is removed
	debug   func(shim.Debugging, func(string, error)) func()
}

func newOwner() *owner {
	return &owner{hello: make(chan *wire.Hello, 1), ready: make(chan *wire.Ready, 1), freed: make(chan shim.Outcome, 100),
		stacks: make(chan string, 1), expired: make(chan string, 1), stuck: make(chan int, 10)}
}

func (o *owner) Noise(p []byte)                   { o.mu.Lock(); o.noise = append(o.noise, p...); o.mu.Unlock() }
func (o *owner) Hello(m *wire.Hello)              { o.hello <- m }
func (o *owner) Ready(m *wire.Ready)              { o.ready <- m }
func (o *owner) Failed(*wire.Failed)              {}
func (o *owner) Log(*shim.Label, *wire.LogRecord) {}
func (o *owner) Stacks(s string)                  { o.stacks <- s }
func (o *owner) Freed(_ *shim.Exchange, oc shim.Outcome) {
	select {
	case o.freed <- oc:
	default: // a benchmark does not look
	}
}
func (o *owner) Purge(m *wire.Purge, done func(int, error)) {
	if o.purge == nil {
		done(0, nil)
		return
	}
	go func() { done(o.purge(m)) }()
}
func (o *owner) Debug(d shim.Debugging, answer func(string, error)) func() {
	return o.debug(d, answer)
}
func (o *owner) Stuck(n int)                                        { o.stuck <- n }
func (o *owner) Expired(_ *shim.Exchange, _ shim.Cause, why string) { o.expired <- why }

// connect starts a Conn with a peer, both in memory, and boots it.
func connect(t testing.TB, handle func(*shimtest.Request, *shimtest.Peer)) (*shim.Conn, *owner, *shimtest.Peer) {
	t.Helper()
	ends, peer := shimtest.Pipe()
	return connectTo(t, ends, peer, handle)
}

func connectTo(t testing.TB, ends shim.Ends, peer *shimtest.Peer, handle func(*shimtest.Request, *shimtest.Peer)) (*shim.Conn, *owner, *shimtest.Peer) {
	t.Helper()
	return connectThreads(t, 8, ends, peer, handle)
}

func connectThreads(t testing.TB, threads int, ends shim.Ends, peer *shimtest.Peer, handle func(*shimtest.Request, *shimtest.Peer)) (*shim.Conn, *owner, *shimtest.Peer) {
	t.Helper()
	peer.Handle = handle
	o := newOwner()
	c := shim.NewConn("shop/1", ends, o)
	var wg sync.WaitGroup
	wg.Go(func() { _ = c.Run() })
	wg.Go(func() { _ = peer.Run() })
	t.Cleanup(func() { c.Close(); peer.Close(); wg.Wait() })
	if got := wait(t, o.hello); got.Python != "3.0" {
		t.Fatalf("Hello says %+v", got)
	}
	if err := c.Boot(&wire.Boot{Name: "shop", Threads: threads, Environ: []wire.Var{{Name: "A", Value: "\xe9"}}}); err != nil {
		t.Fatal(err)
	}
	wait(t, o.ready)
	return c, o, peer
}

func wait[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(2 * time.Minute):
		t.Fatal("waited two minutes for nothing")
		panic(0)
	}
}

func open(t testing.TB, c *shim.Conn) *shim.Exchange {
	t.Helper()
	x, err := c.Open(shim.Label{ID: "01", Method: "GET", Target: "/"})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestExchangeInOneFrame(t *testing.T) {
	c, o, _ := connect(t, func(r *shimtest.Request, p *shimtest.Peer) {
		_ = p.Answer(r.Stream, "200 OK", r.Vars["PATH_INFO"]+"|"+string(r.Body), "X-A", "1", "X-A", "2")
	})
	x := open(t, c)
	if err := x.Send([]wire.Var{{Name: "PATH_INFO", Value: "/\xe9"}}, []byte("body"), true); err != nil {
		t.Fatal(err)
	}
	e, err := x.Wait(shim.Deadline{})
	if err != nil || e.Kind != shim.EventHead {
		t.Fatal(e, err)
	}
	h := e.Head
	if fmt.Sprint(*h) != "{200 OK [{X-A 1} {X-A 2}] -1 false}" {
		t.Errorf("head %v", *h)
	}
	if e.Size != 7 {
		t.Errorf("%d bytes are here", e.Size)
	}
	if body, err := shimtest.Body(context.Background(), x); body != "/\xe9|body" || err != nil {
		t.Errorf("body %q, %v", body, err)
	}
	if oc := x.Close(0); oc != shim.Clean {
		t.Errorf("outcome %v", oc)
	}
	if oc := wait(t, o.freed); oc != shim.Clean {
		t.Errorf("freed %v", oc)
	}
}

func TestHeadWithALength(t *testing.T) {
	c, _, _ := connect(t, func(r *shimtest.Request, p *shimtest.Peer) {
		_ = p.Send(wire.Frame{Kind: wire.KindHead, Stream: r.Stream, Payload: []byte("\x00\x00\x00\x0b\x93\xc4\x06200 OK\x90\x7f")})
		_ = p.Body(r.Stream, strings.Repeat("x", 127), true)
	})
	x := open(t, c)
	_ = x.Send(nil, nil, true)
	if h, err := shimtest.Head(t.Context(), x); err != nil || h.Length != 127 {
		t.Errorf("%+v %v", h, err)
	}
	x.Close(0)
}

// 8 MiB up while 8 MiB come down from an app that writes before it reads.
func TestBothWaysAtOnce(t *testing.T) {
	const size = 8 << 20
	pattern := bytes.Repeat([]byte("0123456789abcdef"), wire.MaxInline/16)
	c, _, _ := connect(t, func(r *shimtest.Request, p *shimtest.Peer) {
		got := make(chan int)
		go func() { got <- len(r.ReadAll()) }()
		_ = p.Head(r.Stream, "200 OK", "", false)
		for sent := 0; sent < 3*wire.MaxInline; sent += wire.MaxInline { // within the window: this peer takes no Window frames
			_ = p.Body(r.Stream, string(pattern), false)
		}
		_ = p.Body(r.Stream, fmt.Sprintf("read %d", <-got), true)
	})
	x := open(t, c)
	if err := x.Send(nil, pattern, false); err != nil {
		t.Fatal(err)
	}
	sent := make(chan error, 1)
	go func() {
		for n := len(pattern); n < size; n += len(pattern) {
			if err := x.SendBody(pattern, n+len(pattern) == size); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	body, err := shimtest.Body(context.Background(), x)
	if err != nil {
		t.Fatal(err)
	}
	if err := wait(t, sent); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("read %d", size); !strings.HasSuffix(body, want) || len(body) != 3*wire.MaxInline+len(want) {
		t.Errorf("%d bytes, ending in %q", len(body), body[max(0, len(body)-20):])
	}
	x.Close(0)
}

func TestSendBodyStopsWhenAnswered(t *testing.T) {
	c, _, _ := connect(t, func(r *shimtest.Request, p *shimtest.Peer) { _ = p.Answer(r.Stream, "200 OK", "no thanks") })
	x := open(t, c)
	if err := x.Send(nil, nil, false); err != nil {
		t.Fatal(err)
	}
	var err error
	for err == nil { // more than any window
		err = x.SendBody(make([]byte, wire.MaxInline), false)
	}
	if err != shim.ErrAnswered {
		t.Fatalf("SendBody: %v", err)
	}
	if body, err := shimtest.Body(context.Background(), x); body != "no thanks" || err != nil {
		t.Fatalf("%q %v", body, err)
	}
	x.Close(0)
	y := open(t, c) // the next request of the same worker is whole
	_ = y.Send(nil, nil, true)
	if body, err := shimtest.Body(context.Background(), y); body != "no thanks" || err != nil {
		t.Fatalf("%q %v", body, err)
	}
	y.Close(0)
}

func TestCloseCancelsAndFreesLater(t *testing.T) {
	cancelled := make(chan uint32, 1)
	ends, peer := shimtest.Pipe()
	peer.Cancelled = func(id uint32) { cancelled <- id }
	goOn := make(chan struct{})
	c, o, _ := connectTo(t, ends, peer, func(r *shimtest.Request, p *shimtest.Peer) {
		_ = p.Head(r.Stream, "200 OK", "first", false)
		<-goOn
		for range 8 { // twice the window: the body is not read, and the worker must not be held
			_ = p.Body(r.Stream, strings.Repeat("x", wire.MaxInline/2), false)
		}
		_ = p.Send(wire.Frame{Kind: wire.KindEnd, Stream: r.Stream})
	})
	x := open(t, c)
	_ = x.Send(nil, nil, true)
	if _, err := shimtest.Head(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	if oc := x.Close(0); oc != shim.Cancelled {
		t.Errorf("outcome %v", oc)
	}
	if id := wait(t, cancelled); id != 1 {
		t.Errorf("cancelled stream %d", id)
	}
	select {
	case <-o.freed:
		t.Fatal("freed before the worker had ended the stream")
	default:
	}
	close(goOn)
	if oc := wait(t, o.freed); oc != shim.Clean {
		t.Errorf("freed %v", oc)
	}
}

// A client has left and the app runs on: it may, for a while.
func TestCloseWithALimit(t *testing.T) {
	c, o, _ := connect(t, func(r *shimtest.Request, p *shimtest.Peer) {
		if r.Vars["answer"] != "" {
			_ = p.Answer(r.Stream, "200 OK", "late")
		}
	})
	x := open(t, c)
	_ = x.Send([]wire.Var{{Name: "answer", Value: "1"}}, nil, true)
	if oc := x.Close(time.Hour); oc == shim.Broken {
		t.Errorf("outcome %v", oc)
	}
	wait(t, o.freed)
	y := open(t, c)
	_ = y.Send(nil, nil, true)
	if oc := y.Close(time.Millisecond); oc != shim.Cancelled {
		t.Errorf("outcome %v", oc)
	}
	if why := wait(t, o.expired); why != "still running 1ms after its client had left" {
		t.Errorf("expired: %s", why)
	}
}

func TestDeath(t *testing.T) {
	c, o, _ := connect(t, func(r *shimtest.Request, p *shimtest.Peer) { p.Close() })
	x := open(t, c)
	_ = x.Send(nil, nil, true)
	if _, err := shimtest.Head(t.Context(), x); !errors.Is(err, shim.ErrWorkerGone) || !strings.Contains(err.Error(), "shop/1") {
		t.Errorf("Head: %v", err)
	}
	if oc := x.Close(0); oc != shim.Broken {
		t.Errorf("outcome %v", oc)
	}
	if oc := wait(t, o.freed); oc != shim.Broken {
		t.Errorf("freed %v", oc)
	}
	if _, err := c.Open(shim.Label{}); !errors.Is(err, shim.ErrNotStarted) {
		t.Errorf("Open: %v", err)
	}
	if in := c.InFlight(); len(in) != 1 || in[0].Label.Target != "/" || in[0].Sent.IsZero() {
		t.Errorf("in flight at its death: %+v", in)
	}
}

func TestAppErrors(t *testing.T) {
	c, _, _ := connect(t, func(r *shimtest.Request, p *shimtest.Peer) {
		if r.Vars["after"] != "" {
			_ = p.Head(r.Stream, "200 OK", "part", false)
		}
		_ = p.Message(wire.KindError, r.Stream, map[string]any{"type": "ValueError", "message": "no", "file": "a.py", "line": 7, "unknown": []any{1, "x"}})
	})
	x := open(t, c)
	_ = x.Send(nil, nil, true)
	var ae *wire.AppError
	if _, err := shimtest.Head(t.Context(), x); !errors.As(err, &ae) || ae.Error() != "a.py:7: ValueError: no" {
		t.Errorf("Head: %v", err)
	}
	x.Close(0)
	y := open(t, c)
	_ = y.Send([]wire.Var{{Name: "after", Value: "1"}}, nil, true)
	if _, err := shimtest.Head(t.Context(), y); err != nil {
		t.Error(err)
	}
	if body, err := shimtest.Body(context.Background(), y); body != "part" || !errors.As(err, &ae) {
		t.Errorf("%q %v", body, err)
	}
	y.Close(0)
}

func TestDumpAndExpire(t *testing.T) {
	c, o, _ := connect(t, func(r *shimtest.Request, p *shimtest.Peer) {})
	x := open(t, c)
	_ = x.Send(nil, nil, true)
	if err := c.Dump(nil); err != nil {
		t.Fatal(err)
	}
	if s := wait(t, o.stacks); s != "fake stacks" {
		t.Errorf("stacks %q", s)
	}
	if err := x.Abort(shim.TimeOver, "30s are over"); err != nil {
		t.Fatal(err)
	}
	if s := wait(t, o.expired); s != "30s are over" {
		t.Errorf("expired %q", s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := shimtest.Head(ctx, x); err != context.Canceled {
		t.Errorf("Head: %v", err)
	}
}
