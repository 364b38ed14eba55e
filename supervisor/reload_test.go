package supervisor

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor/process"
)

// names answers with the name of the program that runs; "/slow" waits for the gate.
func names(gate *chan struct{}) *fakes {
	f := &fakes{}
	f.byName = func(program string) func(*shimtest.Request, *shimtest.Peer) {
		return func(r *shimtest.Request, p *shimtest.Peer) {
			if r.Vars["PATH_INFO"] == "/slow" {
				<-*gate
			}
			_ = p.Answer(r.Stream, "200 OK", program)
		}
	}
	return f
}

// balance checks that each slot is in one state.
func balance(t *testing.T, p *Pool) {
	t.Helper()
	if s := p.Stats(); s.Idle+s.Busy+s.Booting+s.Draining+s.BackingOff != s.Workers {
		t.Errorf("the slots do not add up: %+v", s)
	}
}

// least looks all the time how many workers are ready, until stop is called.
func least(p *Pool) (stop func() int) {
	n, done := 1<<30, make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			n = min(n, p.Stats().Ready)
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	return func() int { close(done); <-ended; return n }
}

func TestReload(t *testing.T) {
	var gate chan struct{} // made in the bubble
	f := names(&gate)
	o := Options{Workers: 4, Command: program("v1")}
	bubble(t, f, o, func(t *testing.T, p *Pool, e *events) {
		gate = make(chan struct{})
		up(t, p)
		time.Sleep(time.Second)
		old := make(chan string, 1)
		go func() { b, _ := ask(t.Context(), p, "/slow"); old <- b }()
		synctest.Wait()
		stop := least(p)
		next := p.core.gen.Options
		next.Command = program("v2")
		if err := p.Reload(t.Context(), &next); err != nil {
			t.Fatal(err)
		}
		if n := stop(); n < 4 {
			t.Errorf("only %d workers were ready during the reload", n)
		}
		if n, _ := f.look(); n != 8 {
			t.Errorf("%d started", n)
		}
		for range 8 {
			if b, err := ask(t.Context(), p, "/"); b != "v2" || err != nil {
				t.Errorf("%q %v after the reload", b, err)
			}
		}
		time.Sleep(time.Second)
		if s := p.Stats(); s.Surplus != 1 || s.Generation != 2 {
			t.Errorf("while the old request runs: %+v", s)
		}
		balance(t, p)
		time.Sleep(time.Minute)
		close(gate)
		if b := <-old; b != "v1" {
			t.Errorf("the request from before: %q", b)
		}
		time.Sleep(time.Second)
		if s := p.Stats(); s.Surplus != 0 || s.Idle != 4 {
			t.Errorf("%+v", s)
		}
		for _, x := range of[WorkerExit](e) {
			if x.Reason != Reload || x.Exit.Cause() != "exit:0" || len(x.InFlight) > 0 {
				t.Errorf("%+v", x)
			}
		}
	})
}

// What boots beside the old workers is bounded.
func TestReloadSurge(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 8}, func(t *testing.T, p *Pool, _ *events) {
		up(t, p)
		time.Sleep(time.Second)
		f.look()
		if err := p.Reload(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if _, most := f.look(); most != 2 {
			t.Errorf("%d booted at a time", most)
		}
	})
}

func TestReloadOntoBrokenCode(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 4}, func(t *testing.T, p *Pool, e *events) {
		up(t, p)
		time.Sleep(time.Second)
		broken := &wire.Failed{Kind: "error", Message: "shop.py:1: SyntaxError"}
		f.breaks(broken)
		stop := least(p)
		err := p.Reload(t.Context(), nil)
		if failure := (*BootFailure)(nil); !errors.As(err, &failure) || failure.Failed.Message != broken.Message {
			t.Fatalf("%v", err)
		}
		time.Sleep(time.Minute)
		if n := stop(); n < 4 {
			t.Errorf("only %d workers were ready", n)
		}
		if n, _ := f.look(); n > 6 {
			t.Errorf("%d were started", n)
		}
		if s := p.Stats(); s.Generation != 1 || s.Idle != 4 || s.Surplus != 0 || p.Failure() != nil {
			t.Errorf("%+v", s)
		}
		if r := of[ReloadFailed](e); len(r) != 1 || r[0].Serving != 1 || r[0].Generation != 2 || len(of[BootFailure](e)) != 0 {
			t.Errorf("told: %+v", r)
		}
		// A worker that dies then is replaced by one of the old generation, and a
		// repaired app takes over.
		f.breaks(nil)
		if err := p.Reload(t.Context(), nil); err != nil || p.Stats().Generation != 3 {
			t.Errorf("%v, generation %d", err, p.Stats().Generation)
		}
	})
}

// An import that hangs: the old ones serve until it has timed out, and after that.
func TestReloadOntoAHang(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 2, BootTimeout: 10 * time.Second}, func(t *testing.T, p *Pool, _ *events) {
		up(t, p)
		time.Sleep(time.Second)
		f.mu.Lock()
		f.mute = true
		f.mu.Unlock()
		stop := least(p)
		if err := p.Reload(t.Context(), nil); err == nil {
			t.Error("it is said to have succeeded")
		}
		if n := stop(); n < 2 {
			t.Errorf("only %d workers were ready", n)
		}
	})
}

// With no worker up there is nothing to protect, and no pause to wait for.
func TestReloadHealsABrokenApp(t *testing.T) {
	f := &fakes{fail: &wire.Failed{Kind: "error", Message: "broken"}}
	bubble(t, f, Options{Workers: 2}, func(t *testing.T, p *Pool, _ *events) {
		time.Sleep(time.Minute) // the pause is long by now
		f.breaks(nil)
		began := time.Now()
		if err := p.Reload(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(began); d > time.Second {
			t.Errorf("it took %v", d)
		}
		if b, err := ask(t.Context(), p, "/"); b != "hello" {
			t.Errorf("%q %v", b, err)
		}
	})
}

// A worker that dies in the middle of a reload leaves its seat to nobody older.
func TestDeathDuringReload(t *testing.T) {
	var gate chan struct{}
	f := names(&gate)
	bubble(t, f, Options{Workers: 3, Command: program("v1"), Surge: 1}, func(t *testing.T, p *Pool, _ *events) {
		up(t, p)
		time.Sleep(time.Second)
		next := p.core.gen.Options
		next.Command = program("v2")
		done := make(chan error, 1)
		go func() { done <- p.Reload(t.Context(), &next) }()
		time.Sleep(50 * time.Millisecond) // the first one boots
		for range 3 {
			f.named("v1").end(process.Exit{Code: -1, Signal: 9, SignalName: "SIGKILL"})
			time.Sleep(30 * time.Millisecond)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		for range 6 {
			if b, err := ask(t.Context(), p, "/"); b != "v2" {
				t.Errorf("%q %v", b, err)
			}
		}
		time.Sleep(time.Minute)
		if s := p.Stats(); s.Idle != 3 || s.Surplus != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestStopDuringReload(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 2}, func(t *testing.T, p *Pool, _ *events) {
		up(t, p)
		time.Sleep(time.Second)
		done := make(chan error, 1)
		go func() { done <- p.Reload(context.Background(), nil) }()
		time.Sleep(50 * time.Millisecond)
		p.Stop(t.Context(), Shutdown)
		if err := <-done; err == nil {
			t.Error("the reload is said to have succeeded")
		}
	})
}

// Workers that serve as many requests as they may are replaced one at a time; the
// number of ready ones never falls.
func TestMaxRequests(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 8, MaxRequests: 10}, func(t *testing.T, p *Pool, e *events) {
		up(t, p)
		time.Sleep(time.Second)
		f.look()
		stop := least(p)
		for i := range 2000 {
			if b, err := ask(t.Context(), p, "/"); b != "hello" {
				t.Fatalf("request %d: %q %v", i, b, err)
			}
			time.Sleep(time.Millisecond)
		}
		if n := stop(); n < 8 {
			t.Errorf("only %d were ready", n)
		}
		if started, most := f.look(); most != 1 || started < 15 {
			t.Errorf("%d booted at a time, %d in all", most, started)
		}
		time.Sleep(time.Second)
		balance(t, p)
		for _, x := range of[WorkerExit](e) {
			if x.Reason != MaxRequests || x.Exit.Cause() != "exit:0" || x.Served < 10 {
				t.Errorf("%+v", x)
			}
		}
	})
}

func TestMaxLifetime(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 2, MaxLifetime: time.Minute, Jitter: 0.1}, func(t *testing.T, p *Pool, e *events) {
		up(t, p)
		time.Sleep(59 * time.Second)
		if n, _ := f.look(); n != 2 {
			t.Fatalf("%d started", n)
		}
		stop := least(p)
		time.Sleep(10 * time.Second)
		n := stop()
		if started, _ := f.look(); n < 2 || started != 4 {
			t.Errorf("%d ready, %d started", n, started)
		}
	})
}

// The replacement cannot boot: the old one serves on.
func TestRecycleOntoBrokenCode(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 2, MaxRequests: 5}, func(t *testing.T, p *Pool, _ *events) {
		up(t, p)
		time.Sleep(time.Second)
		f.breaks(&wire.Failed{Kind: "error", Message: "broken"})
		for i := range 1000 {
			if b, err := ask(t.Context(), p, "/"); b != "hello" {
				t.Fatalf("request %d: %q %v", i, b, err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n, _ := f.look(); n > 20 {
			t.Errorf("%d were started", n)
		}
		balance(t, p)
	})
}

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
		time.Sleep(time.Hour) // nobody is killed for it
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

func TestPause(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 2, QueueTimeout: 10 * time.Second, Queue: 3}, func(t *testing.T, p *Pool, _ *events) {
		up(t, p)
		time.Sleep(time.Second)
		p.Pause()
		done := make(chan error, 3)
		for i := range 3 {
			go func() { _, err := ask(t.Context(), p, fmt.Sprint("/", i)); done <- err }()
		}
		time.Sleep(65 * time.Second)
		if s := p.Stats(); s.Waiting != 3 || s.Busy != 0 || !s.Paused {
			t.Errorf("%+v", s)
		}
		if _, err := ask(t.Context(), p, "/4"); !errors.Is(err, shim.ErrQueueFull) {
			t.Errorf("beyond the line: %v", err)
		}
		if !p.Resume() || p.Resume() {
			t.Error("Resume")
		}
		for range 3 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

// A pause takes nothing from queue_timeout: it begins anew when the pause ends.
func TestPauseLeavesTheTime(t *testing.T) {
	f := &fakes{handle: func(r *shimtest.Request, p *shimtest.Peer) {
		time.Sleep(8 * time.Second)
		_ = p.Answer(r.Stream, "200 OK", "x")
	}}
	bubble(t, f, Options{Workers: 1, QueueTimeout: 10 * time.Second}, func(t *testing.T, p *Pool, _ *events) {
		up(t, p)
		p.Pause()
		done := make([]chan error, 3)
		for i := range done {
			done[i] = make(chan error, 1)
			go func() { _, err := ask(t.Context(), p, fmt.Sprint("/", i)); done[i] <- err }()
			synctest.Wait() // in order
		}
		time.Sleep(15 * time.Second)
		p.Resume()
		for i := range 2 { // the second waits for 8 s after the pause
			if err := <-done[i]; err != nil {
				t.Errorf("request %d: %v", i, err)
			}
		}
		if err := <-done[2]; !errors.Is(err, shim.ErrQueueTimeout) { // would have to wait for 16
			t.Errorf("the third: %v", err)
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

func TestWarmup(t *testing.T) {
	f := &fakes{}
	cold := errors.New("GET /warm: 500")
	var bad bool
	o := Options{Workers: 1, BootTimeout: 10 * time.Second}
	o.Warmup = func(ctx context.Context, open func(shim.Label) (*shim.Exchange, error)) error {
		if bad {
			return cold
		}
		x, err := open(shim.Label{Target: "/warm"})
		if err != nil {
			return err
		}
		defer x.Close()
		if err := x.Send(nil, nil, true); err != nil {
			return err
		}
		_, err = x.Head(ctx)
		return err
	}
	bubble(t, f, o, func(t *testing.T, p *Pool, _ *events) {
		up(t, p)
		synctest.Wait()
		if s := p.Stats(); s.Idle != 1 {
			t.Errorf("%+v", s)
		}
		bad = true
		if err := p.Reload(t.Context(), nil); !errors.Is(err, cold) {
			t.Errorf("%v", err)
		}
		if b, err := ask(t.Context(), p, "/"); b != "hello" {
			t.Errorf("%q %v", b, err)
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

// Unserved counts while no worker serves and boots fail, and not for a slow boot.
func TestUnserved(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 1}, func(t *testing.T, p *Pool, _ *events) {
		up(t, p)
		f.breaks(&wire.Failed{Kind: "exception", Message: "broken"})
		f.any().end(process.Exit{Code: 1})
		time.Sleep(time.Minute)
		if d := p.Stats().Unserved; d < 55*time.Second || d > time.Minute {
			t.Errorf("unserved for %v", d)
		}
		f.breaks(nil)
		time.Sleep(time.Minute)
		if s := p.Stats(); s.Unserved != 0 || s.Ready != 1 {
			t.Errorf("%+v", s)
		}
		f.mu.Lock()
		f.mute = true
		f.mu.Unlock()
		f.any().end(process.Exit{Code: 1})
		time.Sleep(time.Minute)
		if d := p.Stats().Unserved; d != 0 {
			t.Errorf("unserved for %v while the first boot is under way", d)
		}
	})
}
