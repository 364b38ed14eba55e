package supervisor

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/supervisor/process"
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

// Kills from outside say nothing about the code: nothing waits for them, several workers boot at a time, and a reload is
// not refused for one of them.
func TestForeignKillsDoNotSlowDown(t *testing.T) {
	f := &fakes{}
	kill := func() {
		if w := f.any(); w != nil {
			w.end(process.Exit{Code: -1, Signal: 9, SignalName: "SIGKILL"})
		}
	}
	bubble(t, f, Options{Workers: 4, BootLimit: 2}, func(t *testing.T, p *Pool, e *events) {
		up(t, p)
		time.Sleep(time.Second)
		for range 40 { // boots and workers that serve, for 2 s
			kill()
			time.Sleep(50 * time.Millisecond)
		}
		for p.Stats().Ready < 4 {
			time.Sleep(10 * time.Millisecond)
		}
		f.look()
		f.endAll(process.Exit{Code: -1, Signal: 9, SignalName: "SIGKILL"})
		began := time.Now()
		synctest.Wait()
		for p.Stats().Ready < 4 {
			time.Sleep(10 * time.Millisecond)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("all serve after %v", took)
		}
		if _, most := f.look(); most < 2 {
			t.Error("one boots at a time")
		}
		if n := len(of[BootFailure](e)); n > 0 || p.Stats().Counts.BootFailures > 0 {
			t.Errorf("%d boots are said to have failed", n)
		}

		done := make(chan error, 1)
		go func() { done <- p.Reload(t.Context(), nil) }()
		synctest.Wait()
		for _, w := range p.Workers() {
			if w.Generation == 2 {
				f.pid(w.Pid).end(process.Exit{Code: -1, Signal: 9, SignalName: "SIGKILL"})
			}
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Where every boot is killed the start ends, and the boots back off.
func TestEveryBootIsKilled(t *testing.T) {
	f := &fakes{mute: true}
	bubble(t, f, Options{Workers: 1}, func(t *testing.T, p *Pool, e *events) {
		over := make(chan struct{})
		go func() {
			for {
				select {
				case <-over:
					return
				case <-time.After(10 * time.Millisecond):
				}
				if w := f.any(); w != nil {
					w.end(process.Exit{Code: -1, Signal: 9, SignalName: "SIGKILL"})
				}
			}
		}()
		<-p.Down()
		if got := p.Failure(); got == nil || !got.Outside || got.Retry == 0 && len(of[BootFailure](e)) == 0 {
			t.Errorf("%+v", got)
		}
		time.Sleep(time.Minute)
		if started, _ := f.look(); started > 15 {
			t.Errorf("%d starts in a minute", started)
		}
		close(over)
	})
}
