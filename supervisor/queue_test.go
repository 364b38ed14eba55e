package supervisor

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
)

// A queue is served in its order while clients wait, newest first when
// they leave, and in its order again when they have stopped leaving.
func TestQueueOrderWhenClientsLeave(t *testing.T) {
	var q queue
	serve := func() *waiter { q.ended(false); return q.next() }
	leave := func(n int) {
		for range n {
			q.remove(q.add(&shim.Label{}, false))
			q.ended(true)
		}
	}
	a, b, c := q.add(&shim.Label{}, false), q.add(&shim.Label{}, false), q.add(&shim.Label{}, false)
	leave(2) // some always do
	if serve() != a {
		t.Error("two have left: the first is not served first")
	}
	leave(8)
	d := q.add(&shim.Label{}, true)
	for i, w := range []*waiter{d, c, b} { // a request that has waited before always goes first
		if serve() != w {
			t.Errorf("ten have left: wrong waiter in turn %d", i)
		}
	}
	for range 2 * queueMemory {
		q.add(&shim.Label{}, false)
		serve()
	}
	a, b = q.add(&shim.Label{}, false), q.add(&shim.Label{}, false)
	if serve() != a || serve() != b || q.next() != nil {
		t.Error("no client leaves any more: the first is not served first")
	}
}

// In a pool whose clients leave the newest request is served first; none is lost.
func TestNewestFirst(t *testing.T) {
	var gate chan struct{} // made in the bubble
	var mu sync.Mutex
	var order []string
	f := &fakes{handle: func(r *shimtest.Request, p *shimtest.Peer) {
		<-gate
		mu.Lock()
		order = append(order, r.Vars["PATH_INFO"])
		mu.Unlock()
		_ = p.Answer(r.Stream, "200 OK", "x")
	}}
	bubble(t, f, Options{Workers: 1}, func(t *testing.T, p *Pool, _ *events) {
		gate = make(chan struct{})
		up(t, p)
		ctx, leave := context.WithCancel(t.Context())
		var asked sync.WaitGroup
		for i := range 14 {
			c := t.Context()
			if 1 <= i && i <= 10 {
				c = ctx
			}
			asked.Go(func() {
				if _, err := ask(c, p, fmt.Sprint("/", i)); (err != nil) != (c == ctx) {
					t.Errorf("request %d: %v", i, err)
				}
			})
			synctest.Wait() // in order
		}
		leave()
		synctest.Wait()
		close(gate)
		asked.Wait()
		if want := []string{"/0", "/13", "/12", "/11"}; !slices.Equal(order, want) {
			t.Errorf("served %v, not %v", order, want)
		}
	})
}
