package supervisor

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/supervisor/process"
)

// While boots fail one is tried at a time; one that hangs does not keep the others from it.
func TestAHungBootDoesNotBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &BootLimiter{}
		stop := make(chan struct{})
		g.enter(stop).end(bootFailed)
		began := time.Now()
		hangs := g.enter(stop)
		hung := time.Now()
		if d := hung.Sub(began); d < firstPause/2 || d > 2*firstPause {
			t.Errorf("the second try after %s", d)
		}
		entered := make(chan *boot, 2)
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
		hangs.end(booted) // it works again: both may
		synctest.Wait()
		if len(entered) != 2 {
			t.Errorf("%d more after one got ready", len(entered))
		}
		(<-entered).end(bootLeft)
		(<-entered).end(bootLeft)
		if _, booting := g.state(); booting != 0 {
			t.Errorf("%d still boot", booting)
		}
	})
}

// Four workers whose boots fail at once try together at most ten times in the first minute, and go on trying.
func TestFailedBootsAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewBootLimiter(4)
		stop := make(chan struct{})
		var tries atomic.Int64
		var workers sync.WaitGroup
		for range 4 {
			workers.Go(func() {
				for b := l.enter(stop); b != nil; b = l.enter(stop) {
					tries.Add(1)
					if pause := b.end(bootFailed); pause < firstPause || pause > lastPause {
						t.Errorf("a pause of %v", pause)
					}
				}
			})
		}
		time.Sleep(time.Minute)
		if n := tries.Load(); n < 5 || n > 10 {
			t.Errorf("%d tries in the first minute", n)
		}
		before := tries.Load()
		time.Sleep(time.Minute)
		if n := tries.Load() - before; n < 1 || n > 3 {
			t.Errorf("%d tries in the second minute", n)
		}
		close(stop)
		workers.Wait()
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

// pools starts n pools of one worker each that share a boot limiter. stop stops them all.
func pools(f *fakes, limiter *BootLimiter, n int) (list []*Pool, stop func()) {
	for i := range n {
		name := fmt.Sprintf("app%d", i)
		p := New(Options{App: name, Spawner: f, Command: program(name), Boots: limiter})
		p.Start()
		list = append(list, p)
	}
	return list, func() {
		for _, p := range list {
			p.Stop(context.Background(), Shutdown)
		}
	}
}

func TestSharedBootLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakes{}
		list, stop := pools(f, NewBootLimiter(3), 20)
		for _, p := range list {
			up(t, p)
		}
		if started, most := f.look(); started != 20 || most != 3 {
			t.Errorf("%d workers were started, %d booted at a time; want 20 and 3", started, most)
		}
		f.any().end(process.Exit{Code: 1}) // a boot is over: the successor of the dead worker boots at once
		synctest.Wait()
		if started, _ := f.look(); started != 21 {
			t.Errorf("%d workers were started; want 21", started)
		}
		stop()
	})
}

// Apps that hang at their import keep the others waiting for hungBoot, not for their own boot timeout.
func TestBootsThatHangDoNotBlockOtherPools(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := NewBootLimiter(2)
		_, stopHanging := pools(&fakes{mute: true}, limiter, 4)
		synctest.Wait()
		began := time.Now()
		list, stop := pools(&fakes{}, limiter, 1)
		up(t, list[0])
		if took := time.Since(began); took < hungBoot || took > 2*hungBoot+time.Second {
			t.Errorf("up after %v behind 4 that hang, 2 at a time; want %v and a little, at most twice that", took, 2*hungBoot)
		}
		stop()
		stopHanging()
	})
}

// A stop does not wait for workers that wait for their boot.
func TestStopWhileWaitingForABoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := NewBootLimiter(1)
		f := &fakes{}
		defer limiter.enter(nil).end(bootLeft)
		began := time.Now()
		_, stop := pools(f, limiter, 3)
		synctest.Wait()
		stop()
		if started, _ := f.look(); started != 0 || time.Since(began) != 0 {
			t.Errorf("%d were started, and the stop took %v", started, time.Since(began))
		}
	})
}
