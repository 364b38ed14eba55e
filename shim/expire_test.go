package shim_test

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
)

type order struct {
	kind   wire.Kind
	stream uint32
	cause  shim.Cause
}

// listen starts a Conn whose peer tells what it is ordered.
func listen(t *testing.T, handle func(*shimtest.Request, *shimtest.Peer)) (*shim.Conn, *owner, chan order) {
	t.Helper()
	ends, peer := shimtest.Pipe()
	orders := make(chan order, 8)
	peer.Cancelled = func(s uint32) { orders <- order{wire.KindCancel, s, 0} }
	peer.Interrupted = func(s uint32, c shim.Cause) { orders <- order{wire.KindInterrupt, s, c} }
	c, o, _ := connectTo(t, ends, peer, handle)
	return c, o, orders
}

// The app must not move before its stacks are taken: no Cancel goes ahead of the
// Interrupt. The End before any Head that follows is legal.
func TestExpireThenInterrupt(t *testing.T) {
	goOn := make(chan struct{})
	c, o, orders := listen(t, func(r *shimtest.Request, p *shimtest.Peer) {
		<-goOn
		_ = p.Send(wire.Frame{Kind: wire.KindEnd, Stream: r.Stream})
	})
	x := open(t, c)
	_ = x.Send(nil, nil, true)
	x.Expire("late")
	wait(t, o.expired)
	if !x.Expired() {
		t.Error("not expired")
	}
	x.Close()
	if err := x.Interrupt(shim.TimeOver); err != nil {
		t.Fatal(err)
	}
	if got := wait(t, orders); got != (order{wire.KindInterrupt, 1, shim.TimeOver}) {
		t.Errorf("%+v", got)
	}
	close(goOn)
	wait(t, o.freed)
	if err := c.Err(); err != nil {
		t.Error(err)
	}
}

// Abandon is told only while the answer has not begun.
func TestAbandon(t *testing.T) {
	c, o, orders := listen(t, func(r *shimtest.Request, p *shimtest.Peer) {
		if r.Vars["head"] != "" {
			_ = p.Head(r.Stream, "200 OK", "a", false)
		}
	})
	x := open(t, c)
	_ = x.Send([]wire.Var{{Name: "head", Value: "1"}}, nil, true)
	if _, err := x.Head(t.Context()); err != nil {
		t.Fatal(err)
	}
	x.Abandon()
	x.Close()
	if got := wait(t, orders); got.kind != wire.KindCancel || x.Expired() {
		t.Errorf("%+v", got)
	}
	y := open(t, c)
	_ = y.Send(nil, nil, true)
	y.Abandon()
	if why := wait(t, o.expired); why != "" || !y.Expired() {
		t.Errorf("%q", why)
	}
	y.Abandon()
	y.Close()
	select {
	case why := <-o.expired:
		t.Errorf("told twice: %q", why)
	default:
	}
}

// An answer with HOLD is whole, and its worker is not free.
func TestHold(t *testing.T) {
	goOn := make(chan struct{})
	c, o, _ := listen(t, func(r *shimtest.Request, p *shimtest.Peer) {
		_ = p.Raw(wire.AppendFrame(nil, wire.Frame{Kind: wire.KindHead, Flags: wire.FlagEnd | wire.FlagHold, Stream: r.Stream,
			Payload: wire.AppendHead(nil, 0, &wire.Head{Status: "200 OK"}, []byte("body"), true)[wire.HeaderSize:]}))
		<-goOn
		_ = p.Send(wire.Frame{Kind: wire.KindEnd, Stream: r.Stream})
		if r.Vars["twice"] != "" {
			_ = p.Send(wire.Frame{Kind: wire.KindEnd, Stream: r.Stream})
		}
	})
	x := open(t, c)
	_ = x.Send(nil, nil, true)
	if _, err := x.Head(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, whole := x.Whole(); !whole {
		t.Error("not whole")
	}
	if b, err := readAll(x); b != "body" || err != nil && err != io.EOF {
		t.Errorf("%q %v", b, err)
	}
	if oc := x.CloseWithin(time.Millisecond, "unused"); oc != shim.Clean {
		t.Errorf("%v", oc)
	}
	if why := wait(t, o.expired); why != "still running 1ms after its answer (standpipe.after_response)" {
		t.Error(why)
	}
	select {
	case <-o.freed:
		t.Error("freed while it is held")
	default:
	}
	close(goOn)
	wait(t, o.freed)
	y := open(t, c)
	_ = y.Send([]wire.Var{{Name: "twice", Value: "1"}}, nil, true)
	wait(t, o.freed)
	for end := time.Now().Add(2 * time.Minute); c.Err() == nil && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if !errors.As(c.Err(), new(*wire.ProtocolError)) {
		t.Errorf("a second End: %v", c.Err())
	}
}
