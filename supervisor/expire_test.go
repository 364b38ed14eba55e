package supervisor

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
)

// The drain ends when only what was given up is left, although that never ends:
// then interrupt_grace counts, not drain_grace. Each that expires is told and
// interrupted.
func TestDrainDoesNotWaitForWhatIsGivenUp(t *testing.T) {
	f := &fakes{handle: func(r *shimtest.Request, p *shimtest.Peer) {}}
	bubble(t, f, Options{Workers: 1, Threads: 3, DrainGrace: time.Hour, InterruptGrace: time.Second, TermGrace: time.Second}, func(t *testing.T, p *Pool, e *events) {
		up(t, p)
		var mu sync.Mutex
		struck := map[uint32]shim.Cause{}
		f.any().peer.Interrupted = func(s uint32, c shim.Cause) { mu.Lock(); struck[s] = c; mu.Unlock() }
		var xs []*shim.Exchange
		for range 3 {
			x, err := p.Acquire(t.Context(), shim.Label{})
			if err != nil {
				t.Fatal(err)
			}
			_ = x.Send(nil, nil, true)
			xs = append(xs, x)
		}
		_ = xs[0].Abort(shim.TimeOver, "first")
		time.Sleep(time.Minute)
		if len(of[WorkerExit](e)) != 0 {
			t.Fatal("the others were not waited for")
		}
		_ = xs[1].Abort(shim.TimeOver, "second")
		_ = xs[2].Abort(shim.ClientGone, "")
		synctest.Wait()
		began := time.Now()
		for len(of[WorkerExit](e)) == 0 && time.Since(began) < time.Hour {
			time.Sleep(100 * time.Millisecond)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
		if r := of[RequestExpired](e); len(r) != 2 {
			t.Errorf("%+v", r)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(struck) != 3 || struck[1] != shim.TimeOver || struck[2] != shim.TimeOver || struck[3] != shim.ClientGone {
			t.Errorf("%v", struck)
		}
	})
}

// An interrupt that worked: the worker goes at once, and is replaced all the same.
func TestInterruptThatWorked(t *testing.T) {
	f := &fakes{handle: func(r *shimtest.Request, p *shimtest.Peer) {}}
	bubble(t, f, Options{Workers: 1, DrainGrace: time.Hour, InterruptGrace: time.Hour}, func(t *testing.T, p *Pool, e *events) {
		up(t, p)
		peer := f.any().peer
		peer.Interrupted = func(s uint32, _ shim.Cause) { _ = peer.Send(wire.Frame{Kind: wire.KindEnd, Stream: s}) }
		x, err := p.Acquire(t.Context(), shim.Label{})
		if err != nil {
			t.Fatal(err)
		}
		_ = x.Send(nil, nil, true)
		_ = x.Abort(shim.ClientGone, "")
		time.Sleep(5 * time.Second)
		if ex := of[WorkerExit](e); len(ex) != 1 || ex[0].Reason != ClientGone || len(of[RequestExpired](e)) != 0 {
			t.Errorf("%+v", ex)
		}
		if s := p.Stats(); s.Ready != 1 {
			t.Errorf("%+v", s)
		}
	})
}
