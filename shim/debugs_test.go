package shim_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/vmihailenco/msgpack/v5"
)

func debugFrame(t testing.TB, number uint32, m map[string]any) wire.Frame {
	t.Helper()
	if m == nil {
		m = map[string]any{}
	}
	b, err := msgpack.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return wire.Frame{Kind: wire.KindDebug, Stream: number, Payload: b}
}

func debugEnd(number uint32) wire.Frame { return wire.Frame{Kind: wire.KindDebugEnd, Stream: number} }

// debugRig is a worker that may ask for the terminal.
type debugRig struct {
	conn   *shim.Conn
	peer   *shimtest.Peer
	asked  chan shim.Debugging
	answer chan func(string, error)
	ended  chan struct{}
	given  chan map[string]any // the answers, with their number
	failed <-chan struct{}
}

// newDebugRig boots it; allowed is Boot.Debug.
func newDebugRig(t *testing.T, allowed bool, handle func(*shimtest.Request, *shimtest.Peer)) *debugRig {
	t.Helper()
	ends, peer := shimtest.Pipe()
	g := &debugRig{peer: peer, asked: make(chan shim.Debugging, 100), answer: make(chan func(string, error), 100), ended: make(chan struct{}, 100), given: make(chan map[string]any, 100)}
	peer.Handle = handle
	peer.Terminal = func(number uint32, payload []byte) {
		m := map[string]any{}
		_ = msgpack.Unmarshal(payload, &m)
		m["number"] = number
		g.given <- m
	}
	o := newOwner()
	o.debug = func(d shim.Debugging, answer func(string, error)) func() {
		g.asked <- d
		g.answer <- answer
		return func() { g.ended <- struct{}{} }
	}
	g.conn = shim.NewConn("shop/1", ends, o)
	failed, ran, said := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ran)
		if errors.As(g.conn.Run(), new(*wire.ProtocolError)) {
			close(failed)
		}
	}()
	go func() { defer close(said); _ = peer.Run() }()
	t.Cleanup(func() { g.conn.Close(); peer.Close(); <-ran; <-said })
	g.failed = failed
	wait(t, o.hello)
	if err := g.conn.Boot(&wire.Boot{Name: "shop", Threads: 8, Debug: allowed}); err != nil {
		t.Fatal(err)
	}
	wait(t, o.ready)
	return g
}

func (g *debugRig) say(t *testing.T, frames ...wire.Frame) {
	t.Helper()
	for _, f := range frames {
		if err := g.peer.Control(f); err != nil {
			t.Fatal(err)
		}
	}
}

// Two Debugs are answered each under its number; an answer after DebugEnd is not sent.
func TestDebug(t *testing.T) {
	g := newDebugRig(t, true, nil)
	g.say(t, debugFrame(t, 3, map[string]any{"stream": 0, "at": "views.py:12", "debugger": "pdb"}), debugFrame(t, 4, map[string]any{}))
	if d := wait(t, g.asked); d != (shim.Debugging{At: "views.py:12", Debugger: "pdb"}) {
		t.Errorf("%+v", d)
	}
	first, second := wait(t, g.answer), wait(t, g.answer)
	second("", errors.New("no terminal"))
	first("/dev/pts/3", nil)
	a, b := wait(t, g.given), wait(t, g.given)
	if a["number"] != uint32(4) || a["device"] != "" || a["why"] != "no terminal" || b["number"] != uint32(3) || b["device"] != "/dev/pts/3" || b["why"] != "" {
		t.Errorf("%v, %v", a, b)
	}
	g.say(t, debugEnd(3), debugEnd(4))
	wait(t, g.ended)
	wait(t, g.ended)
	g.say(t, debugFrame(t, 5, nil), debugEnd(5), debugFrame(t, 6, nil))
	late, next := wait(t, g.answer), wait(t, g.answer)
	wait(t, g.ended)
	late("/dev/pts/3", nil)
	next("/dev/pts/4", nil)
	if m := wait(t, g.given); m["number"] != uint32(6) {
		t.Errorf("%v", m)
	}
	g.conn.Close()
	wait(t, g.ended)
	if g.conn.Err() == nil {
		t.Error("it lives")
	}
}

func TestDebugsThatBreakTheProtocol(t *testing.T) {
	many := make([]wire.Frame, 0, wire.MaxDebugOpen+1)
	for i := range uint32(wire.MaxDebugOpen + 1) {
		many = append(many, debugFrame(t, i+1, nil))
	}
	long := make([]byte, wire.MaxDebugAt+1)
	for name, frames := range map[string][]wire.Frame{
		"no number":       {debugFrame(t, 0, nil)},
		"the same number": {debugFrame(t, 1, nil), debugFrame(t, 1, nil)},
		"too many":        many,
		"an end alone":    {debugEnd(1)},
		"two ends":        {debugFrame(t, 1, nil), debugEnd(1), debugEnd(1)},
		"no map":          {{Kind: wire.KindDebug, Stream: 1, Payload: []byte{0x90}}},
		"a long text":     {debugFrame(t, 1, map[string]any{"at": string(long)})},
		"no stream":       {debugFrame(t, 1, map[string]any{"stream": -1})},
	} {
		t.Run(name, func(t *testing.T) {
			g := newDebugRig(t, true, nil)
			for _, f := range frames {
				_ = g.peer.Control(f) // the last ones may find the socket closed
			}
			wait(t, g.failed)
			if n := len(g.asked) - len(g.ended); n != 0 {
				t.Errorf("%d have not ended", n)
			}
		})
	}
	t.Run("not allowed", func(t *testing.T) {
		g := newDebugRig(t, false, nil)
		g.say(t, debugFrame(t, 1, nil))
		wait(t, g.failed)
		if len(g.asked) > 0 {
			t.Error("the owner was asked")
		}
	})
}

// The time of a request does not pass while a debugger is open in its worker, nor does the time of one whose client has left;
// all of it begins again then.
func TestDeadlinesPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		g := newDebugRig(t, true, func(*shimtest.Request, *shimtest.Peer) { <-end })
		defer close(end)
		x, y := open(t, g.conn), open(t, g.conn)
		for _, x := range []*shim.Exchange{x, y} {
			if err := x.Send(nil, nil, true); err != nil {
				t.Fatal(err)
			}
		}
		over := make(chan time.Time, 1)
		began := time.Now()
		go func() {
			if _, err := x.Wait(shim.Deadline{From: began, Limit: time.Second}); err == shim.ErrDeadline {
				over <- time.Now()
			}
		}()
		time.Sleep(500 * time.Millisecond)
		g.say(t, debugFrame(t, 1, map[string]any{"stream": 1}), debugFrame(t, 2, nil))
		synctest.Wait()
		if err := y.Abort(shim.ClientGone, ""); !errors.Is(err, shim.ErrAnswered) {
			t.Errorf("interrupted in the debugger: %v", err)
		}
		y.Close(time.Second)
		time.Sleep(10 * time.Second)
		g.say(t, debugEnd(2))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(over) > 0 || y.State().Expired {
			t.Fatal("the time is over in the debugger")
		}
		ended := time.Now()
		g.say(t, debugEnd(1))
		if d := (<-over).Sub(ended); d < time.Second || d > 2*time.Second {
			t.Errorf("%v after the debugger", d)
		}
		time.Sleep(2 * time.Second)
		if !y.State().Expired {
			t.Error("the request without a client has no limit any more")
		}
		for len(g.ended) > 0 {
			<-g.ended
		}
	})
}

// A request in which a debugger has stood is not run again when its worker is killed: it would stop there again.
func TestNoRetryFromADebugger(t *testing.T) {
	g := newDebugRig(t, true, func(*shimtest.Request, *shimtest.Peer) {})
	x, err := g.conn.Open(shim.Label{ID: "01", Method: "GET", Target: "/", Again: "yes"})
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Send(nil, nil, true); err != nil {
		t.Fatal(err)
	}
	killed := shim.Fate{Why: "the worker was killed from outside"}
	if again, _ := x.State().Retry(killed); !again {
		t.Error("it does not run again without a debugger")
	}
	g.say(t, debugFrame(t, 1, map[string]any{"stream": 1}))
	if d := wait(t, g.asked); d.Label == nil || d.Label.ID != "01" {
		t.Errorf("%+v", d)
	}
	if again, _ := x.State().Retry(killed); again {
		t.Error("it runs again")
	}
}
