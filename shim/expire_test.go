package shim_test

import (
	"context"
	"errors"
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
	if err := x.Abort(shim.TimeOver, "late"); err != nil {
		t.Fatal(err)
	}
	wait(t, o.expired)
	if !x.State().Expired {
		t.Error("not expired")
	}
	x.Close(0)
	if err := c.Interrupt(x, shim.TimeOver); err != nil {
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

// ClientGone is told only while the answer has not begun.
func TestAbortForAClientThatLeft(t *testing.T) {
	c, o, orders := listen(t, func(r *shimtest.Request, p *shimtest.Peer) {
		if r.Vars["head"] != "" {
			_ = p.Head(r.Stream, "200 OK", "a", false)
		}
	})
	x := open(t, c)
	_ = x.Send([]wire.Var{{Name: "head", Value: "1"}}, nil, true)
	if _, err := shimtest.Head(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	if err := x.Abort(shim.ClientGone, ""); !errors.Is(err, shim.ErrAnswered) {
		t.Error(err)
	}
	x.Close(0)
	if got := wait(t, orders); got.kind != wire.KindCancel || x.State().Expired {
		t.Errorf("%+v", got)
	}
	y := open(t, c)
	_ = y.Send(nil, nil, true)
	if err := y.Abort(shim.ClientGone, ""); err != nil {
		t.Error(err)
	}
	if why := wait(t, o.expired); why != "" || !y.State().Expired {
		t.Errorf("%q", why)
	}
	if err := y.Abort(shim.ClientGone, ""); !errors.Is(err, shim.ErrAnswered) {
		t.Error(err)
	}
	y.Close(0)
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
	if e, err := x.Wait(shim.Deadline{}); err != nil || e.Size != 4 {
		t.Errorf("%+v, %v", e, err)
	}
	if b, err := shimtest.Body(context.Background(), x); b != "body" || err != nil {
		t.Errorf("%q %v", b, err)
	}
	if oc := x.Close(time.Millisecond); oc != shim.Clean {
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
