//go:build unix

package supervisor

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/supervisor/process"
)

// slowReap: SIGKILL takes effect late (uninterruptible sleep on NFS).
type slowReap struct{ *fakes }

func (s slowReap) Spawn(c process.Command) (*process.Child, error) {
	ch, err := s.fakes.Spawn(c)
	if err == nil {
		ch.Process = lateKill{ch.Process.(*fake)}
	}
	return ch, err
}

type lateKill struct{ *fake }

func (l lateKill) Signal(o process.Order) error {
	if o == process.Kill {
		time.AfterFunc(5*time.Second, func() { _ = l.fake.Signal(process.Kill) })
		return nil
	}
	return l.fake.Signal(o)
}

// Stop during boot; boot timeout fires between SIGKILL and the reaping => panic.
func TestStopDuringBootOfAProcessThatIsSlowToDie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{App: "shop", Spawner: slowReap{&fakes{mute: true, deaf: true}}, Workers: 1, TermGrace: 2 * time.Second,
			BootTimeout: 10 * time.Second, Command: func() (process.Command, error) { return process.Command{Args: []string{"fake"}}, nil }})
		p.Start()
		time.Sleep(7 * time.Second)
		p.Stop(context.Background(), Shutdown) // TERM at 7, KILL at 9, boot timer at 10, dead at 14
	})
}

// the boot timer after Stop changes the reason and restarts the ladder.
func TestStopDuringBootKeepsItsReason(t *testing.T) {
	e := &events{}
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{App: "shop", Spawner: &fakes{mute: true, deaf: true}, Workers: 1, TermGrace: 2 * time.Second, Events: e.add,
			BootTimeout: 10 * time.Second, Command: func() (process.Command, error) { return process.Command{Args: []string{"fake"}}, nil }})
		p.Start()
		time.Sleep(9 * time.Second)
		began := time.Now()
		p.Stop(context.Background(), Shutdown)
		if d := time.Since(began); d > 2500*time.Millisecond || of[WorkerExit](e)[0].Reason != Shutdown || len(of[BootFailure](e)) != 0 {
			t.Errorf("Stop took %v (term_grace 2s), reason %v, boot failures told: %d", d, of[WorkerExit](e)[0].Reason, len(of[BootFailure](e)))
		}
	})
}

// Who waits keeps the order when a worker dies.
func TestOrderAfterADeath(t *testing.T) {
	f := &fakes{handle: func(r *shimtest.Request, p *shimtest.Peer) {
		if r.Vars["PATH_INFO"] != "/hang" {
			time.Sleep(time.Second)
			_ = p.Answer(r.Stream, "200 OK", "x")
		}
	}}
	bubble(t, f, Options{Workers: 1, Queue: 10}, func(t *testing.T, p *Pool, e *events) {
		up(t, p)
		out := make(chan int, 10)
		go func() { _, _ = ask(t.Context(), p, "/hang") }()
		synctest.Wait()
		for i := 1; i <= 3; i++ {
			go func() { _, _ = ask(t.Context(), p, fmt.Sprint("/", i)); out <- i }()
			synctest.Wait()
		}
		f.any().end(process.Exit{Code: -1, Signal: 9, SignalName: "SIGKILL"})
		if a, b, c := <-out, <-out, <-out; a != 1 || b != 2 || c != 3 {
			t.Errorf("order %d %d %d", a, b, c)
		}
	})
}

// SIGUSR2 to a process that has no handler.
func TestNoDumpWithoutAHandler(t *testing.T) {
	e := &events{}
	p := New(Options{App: "shop", Workers: 1, TermGrace: time.Second, BootTick: 200 * time.Millisecond, BootTimeout: 10 * time.Minute, Events: e.add,
		Command: func() (process.Command, error) {
			return process.Command{Args: []string{"sh", "-c", "sleep 600"}, Env: os.Environ()}, nil
		}})
	p.Start()
	eventually(t, "several ticks are told", func() bool { return len(of[WorkerWaits](e)) >= 3 })
	if x := of[WorkerExit](e); len(x) > 0 {
		t.Errorf("boot_timeout is 10m; after a few ticks of 0.2s: %+v", x[0])
	}
	p.Kill()
	p.Stop(context.Background(), Shutdown)
}

// Stop while a worker drains after a request timeout.
func TestStopWhileDraining(t *testing.T) {
	var gate chan struct{}
	f := &fakes{deaf: true, handle: func(r *shimtest.Request, p *shimtest.Peer) { <-gate }}
	synctest.Test(t, func(t *testing.T) {
		gate = make(chan struct{})
		e := &events{}
		p := New(Options{App: "shop", Spawner: f, Workers: 1, Threads: 2, TermGrace: 2 * time.Second, DrainGrace: 20 * time.Second, Events: e.add,
			Command: func() (process.Command, error) { return process.Command{Args: []string{"fake"}}, nil }})
		p.Start()
		up(t, p)
		xs := []*shim.Exchange{}
		for range 2 {
			x, _ := p.Acquire(t.Context(), shim.Label{})
			_ = x.Send(nil, nil, true)
			xs = append(xs, x)
		}
		_ = xs[0].Abort(shim.TimeOver, "no answer within 30s")
		time.Sleep(2 * time.Second)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second) // of which the one that came after may use all
		defer cancel()
		p.Stop(ctx, Shutdown)
		if d := time.Since(began); d > 4*time.Second {
			t.Errorf("Stop took %v (term_grace 2s)", d)
		}
		if x := of[WorkerExit](e); len(x) != 2 || x[0].Reason != RequestTimeout || x[1].Reason != Shutdown || !x[1].Late() {
			t.Errorf("%+v", x)
		}
		close(gate)
		for _, x := range xs {
			x.Close(0)
		}
	})
}

// A daemon of the app's holds stderr: Stop does not wait for it.
func TestStopDoesNotWaitForADaemonsOutput(t *testing.T) {
	e := &events{}
	p := New(Options{App: "shop", Workers: 1, TermGrace: 20 * time.Second, Events: e.add,
		Command: func() (process.Command, error) {
			return process.Command{Args: []string{"sh", "-c", "trap '' TERM; setsid sh -c 'echo $$ >&2; exec sleep 600' & sleep 600"}, Env: os.Environ()}, nil
		}})
	p.Start()
	eventually(t, "the daemon runs", func() bool { return len(of[Output](e)) > 0 })
	daemon, err := strconv.Atoi(of[Output](e)[0].Text)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(daemon, syscall.SIGKILL) })
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	began := time.Now()
	p.Stop(ctx, Shutdown)
	if d := time.Since(began); d > 5*time.Minute { // the daemon lives for ten
		t.Errorf("a Stop with 1s took %v", d)
	}
}
