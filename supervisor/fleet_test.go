package supervisor

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
)

func TestResize(t *testing.T) {
	var gate chan struct{}
	f := names(&gate)
	bubble(t, f, Options{Workers: 2}, func(t *testing.T, p *Pool, e *events) {
		gate = make(chan struct{})
		up(t, p)
		time.Sleep(time.Second)
		if from, err := p.Resize(4); from != 2 || err != nil {
			t.Fatal(from, err)
		}
		time.Sleep(time.Second)
		if s := p.Stats(); s.Idle != 4 {
			t.Errorf("%+v", s)
		}
		done := make(chan error, 4)
		for range 4 {
			go func() { _, err := ask(t.Context(), p, "/slow"); done <- err }()
		}
		synctest.Wait()
		if _, err := p.Resize(1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // no worker is killed for it
		if s := p.Stats(); s.Workers != 1 || s.Busy != 1 || s.Surplus != 3 {
			t.Errorf("%+v", s)
		}
		close(gate)
		for range 4 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		time.Sleep(time.Second)
		if s := p.Stats(); s.Idle != 1 || s.Surplus != 0 {
			t.Errorf("%+v", s)
		}
		for _, x := range of[WorkerExit](e) {
			if x.Reason != ScaleDown || len(x.InFlight) > 0 {
				t.Errorf("%+v", x)
			}
		}
		if _, err := p.Resize(0); err == nil {
			t.Error("0 workers were taken")
		}
	})
}

// It grows while requests wait, up to its most, and shrinks when they are gone, and
// does not swing with a load that comes and goes.
func TestScales(t *testing.T) {
	f := &fakes{}
	f.handle = func(r *shimtest.Request, p *shimtest.Peer) {
		time.Sleep(time.Second)
		_ = p.Answer(r.Stream, "200 OK", "x")
	}
	o := Options{Workers: 2, MaxWorkers: 8}
	bubble(t, f, o, func(t *testing.T, p *Pool, e *events) {
		up(t, p)
		time.Sleep(time.Second)
		load := func(clients int, d time.Duration) {
			end := time.Now().Add(d)
			done := make(chan struct{})
			for range clients {
				go func() {
					for time.Now().Before(end) {
						if _, err := ask(t.Context(), p, "/"); err != nil {
							t.Error(err)
						}
					}
					done <- struct{}{}
				}()
			}
			for range clients {
				<-done
			}
		}
		load(2, time.Minute)
		if s := p.Stats(); s.Workers != 2 {
			t.Errorf("for a load that two can bear: %+v", s)
		}
		load(8, 10*time.Second)
		if s := p.Stats(); s.Workers != 8 {
			t.Errorf("under load: %+v", s)
		}
		grown := len(of[Scaled](e))
		for range 10 { // waves
			load(8, 5*time.Second)
			time.Sleep(20 * time.Second)
		}
		if n := len(of[Scaled](e)); n != grown {
			t.Errorf("it was scaled %d times by waves", n-grown)
		}
		time.Sleep(5 * time.Minute)
		if s := p.Stats(); s.Workers != 2 || s.Idle != 2 {
			t.Errorf("after the load: %+v", s)
		}
		for _, x := range of[WorkerExit](e) {
			if x.Reason != ScaleDown || len(x.InFlight) > 0 {
				t.Errorf("%+v", x)
			}
		}
	})
}

func TestIdleStop(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 2, IdleStop: time.Minute}, func(t *testing.T, p *Pool, _ *events) {
		up(t, p)
		for range 3 {
			time.Sleep(50 * time.Second)
			if _, err := ask(t.Context(), p, "/"); err != nil {
				t.Fatal(err)
			}
		}
		if n, _ := f.look(); n != 2 {
			t.Fatalf("%d started: it slept between requests", n)
		}
		time.Sleep(2 * time.Minute)
		if s := p.Stats(); !s.Asleep || f.any() != nil {
			t.Fatalf("%+v, and a process", s)
		}
		if err := p.Admit(); err != nil {
			t.Errorf("Admit: %v", err)
		}
		if b, err := ask(t.Context(), p, "/"); b != "hello" {
			t.Errorf("%q %v", b, err)
		}
	})
}

func TestRestart(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 3}, func(t *testing.T, p *Pool, e *events) {
		up(t, p)
		time.Sleep(time.Second)
		stop := least(p)
		if err := p.Restart(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if n := stop(); n < 3 {
			t.Errorf("only %d were ready", n)
		}
		if x := of[WorkerExit](e); len(x) != 1 || x[0].Worker != "shop/2" || x[0].Reason != Restart {
			t.Errorf("%+v", x)
		}
		if err := p.Restart(t.Context(), 3); err == nil {
			t.Error("there is no shop/4")
		}
	})
}

// StopFirst: no two workers of a slot live at a time, in a reload, a recycling and a restart; a reload that fails brings the
// old generation back; requests wait for as long as it takes.
func TestStopFirst(t *testing.T) {
	f := &fakes{}
	o := Options{Workers: 2, StopFirst: true, QueueTimeout: 10 * time.Millisecond, Queue: 10, MaxRequests: 3}
	bubble(t, f, o, func(t *testing.T, p *Pool, e *events) {
		up(t, p)
		time.Sleep(time.Second)
		most := func() int {
			p.core.mu.Lock()
			defer p.core.mu.Unlock()
			bySlot := map[int]int{}
			n := 0
			for _, w := range p.roster.workers {
				if bySlot[w.slot]++; bySlot[w.slot] > n {
					n = bySlot[w.slot]
				}
			}
			return n
		}
		over := make(chan struct{})
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			for {
				select {
				case <-over:
					return
				case <-time.After(time.Millisecond):
					if n := most(); n > 1 {
						t.Errorf("%d workers of one slot live", n)
						return
					}
				}
			}
		}()
		asks := func(n int) {
			t.Helper()
			for range n {
				if b, err := ask(t.Context(), p, "/"); b != "hello" {
					t.Fatalf("%q %v", b, err)
				}
			}
		}
		asks(20) // recycles
		time.Sleep(time.Second)
		if err := p.Restart(t.Context(), 1); err != nil {
			t.Error(err)
		}
		asks(1)
		if err := p.Reload(t.Context(), nil); err != nil {
			t.Error(err)
		}
		asks(1)
		time.Sleep(time.Second)
		if s := p.Stats(); s.Generation != 2 || s.Ready != 2 {
			t.Errorf("%+v", s)
		}
		f.breaks(&wire.Failed{Kind: "exception", Message: "broken"})
		failed := make(chan error, 1)
		go func() { failed <- p.Reload(t.Context(), nil) }()
		if err := <-failed; err == nil {
			t.Error("a broken reload was taken")
		}
		f.breaks(nil)
		asks(1)
		time.Sleep(time.Minute)
		if s := p.Stats(); s.Generation != 2 || s.Ready != 2 {
			t.Errorf("%+v", s)
		}
		close(over)
		<-watched
	})
}

// One worker: between its stop and the next one's start requests wait, longer than QueueTimeout, and none is lost.
func TestStopFirstOfOne(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 1, StopFirst: true, QueueTimeout: 10 * time.Millisecond, Queue: 10}, func(t *testing.T, p *Pool, _ *events) {
		up(t, p)
		for range 3 {
			done := make(chan error, 1)
			go func() { done <- p.Reload(t.Context(), nil) }()
			time.Sleep(50 * time.Millisecond)
			if b, err := ask(t.Context(), p, "/"); b != "hello" {
				t.Errorf("%q %v", b, err)
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}
