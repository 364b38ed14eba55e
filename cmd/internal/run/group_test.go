package run

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// close ends the actors and waits; later ones are not started.
func TestGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t.Context())
		var ended atomic.Int32
		for range 3 {
			g.start(func(ctx context.Context) {
				<-ctx.Done()
				time.Sleep(time.Second)
				ended.Add(1)
			})
		}
		go g.close() // from two sides
		g.close()
		if n := ended.Load(); n != 3 {
			t.Errorf("%d actors have ended", n)
		}
		if g.start(func(context.Context) { t.Error("an actor after close") }) {
			t.Error("start reports an actor after close")
		}
	})
}

// A goroutine that does not belong to the group's context would hang the bubble.
func TestEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t.Context())
		var n int
		g.start(every(time.Second, func() { n++ }))
		time.Sleep(2500 * time.Millisecond)
		g.close()
		if n != 3 {
			t.Errorf("%d looks", n)
		}
	})
}
