package supervisor

import (
	"testing"
	"testing/synctest"
	"time"
)

// While boots fail one is tried at a time; one that hangs does not keep the others from it.
func TestAHungBootDoesNotBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(0)
		stop := make(chan struct{})
		g.enter(stop)
		g.leave(bootFailed)
		began := time.Now()
		if !g.enter(stop) { // this one hangs
			t.Fatal("no boot after a failure")
		}
		hung := time.Now()
		if d := hung.Sub(began); d < firstPause/2 || d > 2*firstPause {
			t.Errorf("the second try after %s", d)
		}
		entered := make(chan bool, 2)
		for range 2 {
			go func() { entered <- g.enter(stop) }()
		}
		time.Sleep(hungBoot - time.Millisecond)
		synctest.Wait()
		if len(entered) != 0 {
			t.Error("another one beside a boot that may still get ready")
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if len(entered) != 1 {
			t.Errorf("%d more after hungBoot", len(entered))
		}
		g.leave(booted) // it works again: everybody may
		synctest.Wait()
		if len(entered) != 2 {
			t.Errorf("%d more after one got ready", len(entered))
		}
		g.leave(bootLeft)
		g.leave(bootLeft)
		if _, booting := g.state(); booting != 0 {
			t.Errorf("%d still boot", booting)
		}
	})
}
