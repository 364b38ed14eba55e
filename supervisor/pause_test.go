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
			t.Errorf("beyond the queue: %v", err)
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

// A pause takes nothing from queue_timeout: it begins again when the pause ends.
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
		defer x.Close(0)
		if err := x.Send(nil, nil, true); err != nil {
			return err
		}
		_, err = shimtest.Head(ctx, x)
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
