package shim_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
)

// gated connects to a worker of one request at a time that answers a stream when
// the test says so, by the number of the stream.
func gated(t *testing.T, recall func([]uint32) ([]uint32, bool)) (*shim.Conn, *owner, *shimtest.Peer, func(stream int)) {
	t.Helper()
	var gates [5]chan bool
	for i := range gates {
		gates[i] = make(chan bool, 1)
	}
	ends, peer := shimtest.Pipe()
	peer.Recall = recall
	c, o, _ := connectThreads(t, 1, ends, peer, func(r *shimtest.Request, p *shimtest.Peer) {
		if _, ok := <-gates[r.Stream]; ok {
			_ = p.Answer(r.Stream, "200 OK", "hello")
		}
	})
	t.Cleanup(func() {
		for _, g := range gates {
			close(g)
		}
	})
	return c, o, peer, func(stream int) { gates[stream] <- true }
}

func send(t *testing.T, c *shim.Conn, method, again string) *shim.Exchange {
	t.Helper()
	x, err := c.Open(shim.Label{ID: method, Method: method, Again: again})
	if err == nil {
		err = x.Send(nil, nil, true)
	}
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestWhatStandsBehindASlowRequestComesBack(t *testing.T) {
	asked, looked := make(chan []uint32, 2), make(chan struct{})
	c, o, _, gate := gated(t, func(s []uint32) ([]uint32, bool) { // on a busy machine there may be a Recall for each
		<-looked
		asked <- s
		return slices.DeleteFunc(slices.Clone(s), func(stream uint32) bool { return stream == 2 }), false
	})
	look := sync.OnceFunc(func() { close(looked) })
	defer look()
	first := send(t, c, "GET", "yes")
	begun := send(t, c, "GET", "yes") // the peer says that it had begun with this one
	back := send(t, c, "POST", "")
	if first.State().Sent.IsZero() || !begun.State().Sent.IsZero() || !back.State().Sent.IsZero() || c.FrontRan(time.Now()) == 0 {
		t.Errorf("sent %v, %v, %v", first.State().Sent, begun.State().Sent, back.State().Sent)
	}
	if list := c.InFlight(); len(list) != 3 || list[0].Behind || !list[1].Behind || !list[2].Behind || list[2].Label.Method != "POST" {
		t.Errorf("%+v", list)
	}
	look()
	var got []uint32
	for len(got) < 2 {
		got = append(got, wait(t, asked)...)
	}
	if !slices.Equal(got, []uint32{2, 3}) {
		t.Errorf("asked for %v", got)
	}
	if got := wait(t, o.freed); got != shim.Recalled {
		t.Errorf("freed as %v", got)
	}
	if _, err := shimtest.Head(t.Context(), back); !errors.Is(err, shim.ErrRecalled) || !errors.Is(err, shim.ErrNotStarted) {
		t.Errorf("%v", err)
	}
	if back.Ran() != 0 || back.Close(0) == shim.Broken {
		t.Errorf("ran %v", back.Ran())
	}
	for stream := 1; stream <= 2; stream++ {
		gate(stream)
		wait(t, o.freed)
	}
	for _, x := range []*shim.Exchange{first, begun} {
		if _, err := shimtest.Head(t.Context(), x); err != nil || x.State().Sent.IsZero() {
			t.Errorf("%v, sent %v", err, x.State().Sent)
		}
		x.Close(0)
	}
	if c.FrontRan(time.Now()) != 0 || len(c.InFlight()) != 0 {
		t.Errorf("%v, %+v", c.FrontRan(time.Now()), c.InFlight())
	}
}

func TestADeathSparesWhatStoodBehind(t *testing.T) {
	c, _, peer, _ := gated(t, func([]uint32) ([]uint32, bool) { return nil, true })
	first, get, post := send(t, c, "GET", "yes"), send(t, c, "GET", "yes"), send(t, c, "POST", "")
	peer.Close()
	if _, err := shimtest.Head(t.Context(), first); !errors.Is(err, shim.ErrWorkerGone) {
		t.Errorf("the one that ran: %v", err)
	}
	for _, x := range []*shim.Exchange{get, post} {
		if _, err := shimtest.Head(t.Context(), x); !errors.Is(err, shim.ErrNotStarted) {
			t.Errorf("%s: %v", x.Label().Method, err)
		}
		x.Close(0)
	}
	first.Close(0)
	own := shim.Fate{ByItself: true}
	for i, f := range c.InFlight() {
		if again, why := f.Retry(own); again != (i > 0) {
			t.Errorf("%d: %v, %s", i, again, why)
		}
	}
}

func TestAWorkerThatGivesNothingBackIsStuck(t *testing.T) {
	c, o, peer, gate := gated(t, func([]uint32) ([]uint32, bool) { return nil, true })
	first, second := send(t, c, "GET", "yes"), send(t, c, "GET", "yes")
	if n := wait(t, o.stuck); n != 1 {
		t.Errorf("%d are stuck", n)
	}
	gate(1)
	gate(2)
	for _, x := range []*shim.Exchange{first, second} {
		if _, err := shimtest.Head(t.Context(), x); err != nil {
			t.Error(err)
		}
		x.Close(0)
	}
	_ = peer.Recalled() // late, and empty
	send(t, c, "GET", "yes").Close(0)
	if c.Err() != nil {
		t.Error(c.Err())
	}
}

func TestRecallAtOnce(t *testing.T) {
	c, o, _, gate := gated(t, func(s []uint32) ([]uint32, bool) { return s, false })
	first, second := send(t, c, "GET", "yes"), send(t, c, "GET", "yes")
	c.Recall()
	c.Recall() // once is enough
	if got := wait(t, o.freed); got != shim.Recalled {
		t.Errorf("%v", got)
	}
	gate(1)
	if _, err := shimtest.Head(t.Context(), first); err != nil {
		t.Error(err)
	}
	first.Close(0)
	second.Close(0)
}

// What a worker gives back must have been asked of it.
func TestRecalledIsHostile(t *testing.T) {
	for name, tell := range map[string]func(*shimtest.Peer) error{
		"the one that runs": func(p *shimtest.Peer) error { return p.Recalled(1) },
		"no such stream":    func(p *shimtest.Peer) error { return p.Recalled(77) },
		"twice":             func(p *shimtest.Peer) error { return p.Recalled(3, 3) },
	} {
		t.Run(name, func(t *testing.T) {
			c, o, peer, _ := gated(t, func([]uint32) ([]uint32, bool) { return nil, true })
			x := send(t, c, "GET", "yes")
			send(t, c, "GET", "yes")
			if name == "twice" {
				send(t, c, "GET", "yes")
				wait(t, o.stuck)
			}
			if err := tell(peer); err != nil {
				t.Fatal(err)
			}
			if _, err := shimtest.Head(t.Context(), x); err == nil {
				t.Error("it was answered")
			}
			if pe := (*wire.ProtocolError)(nil); !errors.As(c.Err(), &pe) {
				t.Error(c.Err())
			}
		})
	}
}
