package supervisor

import (
	"context"
	"errors"
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

// A worker that dies in the middle of a reload does not leave its slot to an older generation.
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

// With Cutover the first worker of the new generation takes all requests, while the others still boot.
func TestCutover(t *testing.T) {
	var gate chan struct{}
	f := names(&gate)
	o := Options{Workers: 2, Cutover: true, Surge: 2, BootLimit: 1, Command: program("v1")}
	bubble(t, f, o, func(t *testing.T, p *Pool, e *events) {
		gate = make(chan struct{})
		up(t, p)
		time.Sleep(time.Second)
		old := make(chan string, 1)
		go func() { b, _ := ask(t.Context(), p, "/slow"); old <- b }()
		synctest.Wait()
		next := p.core.gen.Options
		starts := 0
		hang := make(chan struct{})
		next.Command = func() (process.Command, error) {
			if starts++; starts > 1 {
				<-hang
			}
			return program("v2")()
		}
		result := make(chan error, 1)
		go func() { result <- p.Reload(t.Context(), &next) }()
		for p.Stats().Generation != 2 {
			time.Sleep(time.Millisecond)
		}
		for range 8 {
			if b, err := ask(t.Context(), p, "/"); b != "v2" || err != nil {
				t.Errorf("%q %v while the second worker boots", b, err)
			}
		}
		close(gate)
		if b := <-old; b != "v1" {
			t.Errorf("the request that ran: %q", b)
		}
		close(hang)
		if err := <-result; err != nil {
			t.Error(err)
		}
		balance(t, p)
	})
}

// A reload of code that does not get ready is ended by the next one, with Cutover.
func TestSuperseded(t *testing.T) {
	var gate chan struct{}
	f := names(&gate)
	o := Options{Workers: 2, Cutover: true, Surge: 2, Command: program("v1"), BootTimeout: time.Hour}
	bubble(t, f, o, func(t *testing.T, p *Pool, e *events) {
		up(t, p)
		hang := make(chan struct{})
		stuck := p.core.gen.Options
		stuck.Warmup = func(ctx context.Context, open func(shim.Label) (*shim.Exchange, error)) error {
			select {
			case <-hang:
			case <-ctx.Done():
			}
			return ctx.Err()
		}
		first := make(chan error, 1)
		go func() { first <- p.Reload(t.Context(), &stuck) }()
		synctest.Wait()
		if b, err := ask(t.Context(), p, "/"); b != "v1" || err != nil {
			t.Errorf("%q %v while the new code hangs", b, err)
		}
		next := o
		next.Command, next.Events = program("v3"), p.core.gen.Events
		next.Spawner = p.core.gen.Spawner
		if err := p.Reload(t.Context(), &next); err != nil {
			t.Error(err)
		}
		if err := <-first; !errors.Is(err, ErrSuperseded) {
			t.Errorf("the first reload: %v", err)
		}
		if b, err := ask(t.Context(), p, "/"); b != "v3" || err != nil {
			t.Errorf("%q %v", b, err)
		}
		time.Sleep(time.Minute)
		balance(t, p)
	})
}
