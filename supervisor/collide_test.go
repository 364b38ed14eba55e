package supervisor

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor/process"
)

// A reload beside a worker of the old generation that boots: it is left in peace,
// the new one boots beside it, and the slot does not spin.
func TestReloadBesideABoot(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 2, Surge: 1}, func(t *testing.T, p *Pool, _ *events) {
		up(t, p)
		time.Sleep(time.Second)
		f.any().end(process.Exit{Code: -1, Signal: 9, SignalName: "SIGKILL"})
		time.Sleep(50 * time.Millisecond) // its successor boots
		f.look()
		if err := p.Reload(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if n, _ := f.look(); n > 6 {
			t.Errorf("%d workers were started", n)
		}
		time.Sleep(time.Second)
		if s := p.Stats(); s.Idle != 2 || s.Surplus != 0 || s.Generation != 2 {
			t.Errorf("%+v", s)
		}
	})
}

// A slot that becomes empty while a reload hangs is filled by the generation that serves.
func TestDeathBesideAHangingReload(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 1, BootTimeout: time.Minute}, func(t *testing.T, p *Pool, _ *events) {
		up(t, p)
		time.Sleep(time.Second)
		old := f.any()
		f.mu.Lock()
		f.mute = true
		f.mu.Unlock()
		done := make(chan error, 1)
		go func() { done <- p.Reload(t.Context(), nil) }()
		time.Sleep(time.Second)
		f.mu.Lock()
		f.mute = false
		f.mu.Unlock()
		old.end(process.Exit{Code: -1, Signal: 9, SignalName: "SIGKILL"})
		synctest.Wait()
		began := time.Now()
		if b, err := ask(t.Context(), p, "/"); b != "hello" || time.Since(began) > 5*time.Second {
			t.Errorf("%q %v after %v", b, err, time.Since(began))
		}
		if err := <-done; err == nil {
			t.Error("the reload is said to have succeeded")
		}
	})
}

// A reload onto broken code while the only worker is on its way out: the old code
// goes on.
func TestBrokenReloadWhileNobodyIsAble(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 1}, func(t *testing.T, p *Pool, _ *events) {
		up(t, p)
		time.Sleep(time.Second)
		f.any().end(process.Exit{Code: -1, Signal: 9, SignalName: "SIGKILL"})
		synctest.Wait()
		f.breaks(&wire.Failed{Kind: "error", Message: "broken"})
		done := make(chan error, 1)
		go func() { done <- p.Reload(t.Context(), nil) }()
		time.Sleep(time.Second)
		f.breaks(nil)
		if err := <-done; err == nil {
			t.Error("the reload is said to have succeeded")
		}
		time.Sleep(time.Minute)
		if s := p.Stats(); s.Generation != 1 || s.Idle != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestReloadWhileAsleep(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 1, IdleStop: 10 * time.Second}, func(t *testing.T, p *Pool, _ *events) {
		up(t, p)
		time.Sleep(time.Minute)
		if !p.Stats().Asleep {
			t.Fatal("it does not sleep")
		}
		if err := p.Reload(t.Context(), nil); err != nil || p.Stats().Generation != 2 {
			t.Errorf("%v, generation %d", err, p.Stats().Generation)
		}
		time.Sleep(time.Minute)
		if b, err := ask(t.Context(), p, "/"); b != "hello" {
			t.Errorf("%q %v", b, err)
		}
	})
}

// An import that takes longer than the pool may be idle.
func TestIdleStopShorterThanTheBoot(t *testing.T) {
	f := &fakes{fail: &wire.Failed{Kind: "error", Message: "broken"}}
	bubble(t, f, Options{Workers: 2, IdleStop: 50 * time.Millisecond}, func(t *testing.T, p *Pool, _ *events) {
		time.Sleep(time.Minute)
		if p.Stats().Asleep {
			t.Fatal("it was put to sleep before it had been up")
		}
		f.breaks(nil)
		up(t, p)
		time.Sleep(time.Minute)
		for range 3 {
			if err := p.Admit(); err != nil { // a request with a body
				t.Fatal(err)
			}
			if b, err := ask(t.Context(), p, "/"); b != "hello" {
				t.Fatalf("%q %v", b, err)
			}
			time.Sleep(time.Minute)
		}
	})
}

// A worker that is killed from outside while it boots says nothing about the app: requests
// wait for the next one.
func TestKilledBootIsNoFailure(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 1}, func(t *testing.T, p *Pool, _ *events) {
		up(t, p)
		time.Sleep(time.Second)
		f.any().end(process.Exit{Code: -1, Signal: 9, SignalName: "SIGKILL"})
		time.Sleep(50 * time.Millisecond)
		f.any().end(process.Exit{Code: -1, Signal: 9, SignalName: "SIGKILL"}) // its successor, while it boots
		if b, err := ask(t.Context(), p, "/"); b != "hello" {
			t.Errorf("%q %v", b, err)
		}
	})
}

func TestRestartOfASlotThatGoes(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 2}, func(t *testing.T, p *Pool, _ *events) {
		up(t, p)
		time.Sleep(time.Second)
		done := make(chan error, 1)
		go func() { done <- p.Restart(t.Context(), 1) }()
		time.Sleep(50 * time.Millisecond)
		if _, err := p.Resize(1); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-done:
			if err == nil {
				t.Error("it is said to have been restarted")
			}
		case <-time.After(time.Minute):
			t.Error("Restart waits for a slot that is gone")
		}
	})
}

// Who stops waiting for a reload that has not begun does not take it back.
func TestReloadGoesOnWithoutItsCaller(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 1}, func(t *testing.T, p *Pool, _ *events) {
		up(t, p)
		time.Sleep(time.Second)
		first := make(chan error, 1)
		go func() { first <- p.Reload(t.Context(), nil) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := p.Reload(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if err := <-first; err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		if g := p.Stats().Generation; g != 3 {
			t.Errorf("generation %d", g)
		}
	})
}

func TestRetireEndsAPause(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 1}, func(t *testing.T, p *Pool, _ *events) {
		up(t, p)
		p.Pause()
		done := make(chan error, 1)
		go func() { _, err := ask(t.Context(), p, "/"); done <- err }()
		synctest.Wait()
		p.Retire(t.Context())
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
