package supervisor

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor/process"
)

func TestBootFailureBacksOff(t *testing.T) {
	f := &fakes{fail: &wire.Failed{Kind: "no_module", Message: "there is no module shop"}}
	bubble(t, f, Options{Workers: 4, BootLimit: 2, Queue: 10}, func(t *testing.T, p *Pool, e *events) {
		<-p.Down()
		if got := p.Failure(); got.Failed == nil || got.Failed.Kind != "no_module" {
			t.Errorf("failure %+v", got)
		}
		if _, err := p.Acquire(t.Context(), shim.Label{}); err != shim.ErrNoWorkers {
			t.Errorf("Acquire: %v", err)
		}
		time.Sleep(time.Minute)
		f.mu.Lock()
		n, most := len(f.started), f.most
		f.fail = nil // the deploy is mended
		f.mu.Unlock()
		if n > 12 || n < 5 || most > 2 {
			t.Errorf("%d starts in the first minute, %d at a time", n, most)
		}
		select {
		case <-p.Up():
		case <-time.After(2 * time.Minute):
			t.Fatal("it gave up")
		}
		time.Sleep(10 * time.Second)
		if s := p.Stats(); s.Ready != 4 {
			t.Errorf("stats %+v", s)
		}
		for _, b := range of[BootFailure](e) {
			if b.Failed == nil || b.Retry == 0 {
				t.Errorf("%+v", b)
			}
		}
	})
}

func TestSpawnErrors(t *testing.T) {
	f := &fakes{err: errors.New("cannot start python3: no such file")}
	bubble(t, f, Options{Workers: 1}, func(t *testing.T, p *Pool, _ *events) {
		<-p.Down()
		if got := p.Failure(); !errors.Is(got.Err, f.err) {
			t.Errorf("%+v", got)
		}
	})
}

func TestBootTimeoutKillsAndWaits(t *testing.T) {
	f := &fakes{mute: true, deaf: true}
	bubble(t, f, Options{Workers: 1, BootTimeout: time.Minute, BootTick: 10 * time.Second}, func(t *testing.T, p *Pool, e *events) {
		<-p.Down()
		synctest.Wait()                                     // its exit is told after that
		if n := len(of[WorkerWaits](e)); n != 5 && n != 6 { // the sixth comes with the end of its time
			t.Errorf("told %d times that it waits", n)
		}
		x := of[WorkerExit](e)
		if len(x) != 1 || x[0].Reason != BootTimeout || x[0].Exit.Signal != 9 || !x[0].Ours {
			t.Errorf("%+v", x)
		}
		if got := p.Failure(); got == nil || !errors.As(got.Err, new(*process.BootTimeoutError)) {
			t.Errorf("%+v", got)
		}
	})
}

// The second death of a worker that had been ready, within ten seconds, waits;
// the first does not.
func TestSecondDeathWaits(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 1}, func(t *testing.T, p *Pool, _ *events) {
		up(t, p)
		for range 2 {
			time.Sleep(time.Second)
			f.any().end(process.Exit{Code: 1})
		}
		time.Sleep(10 * time.Second)
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.started) != 3 {
			t.Fatalf("%d starts", len(f.started))
		}
		first, second := f.started[1].Sub(f.started[0]), f.started[2].Sub(f.started[1])
		if first > 1500*time.Millisecond || second < 1900*time.Millisecond {
			t.Errorf("replaced after %v and %v", first, second)
		}
	})
}
