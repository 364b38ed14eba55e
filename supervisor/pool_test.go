package supervisor

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/supervisor/process"
)

func TestDeathIsToldAndReplaced(t *testing.T) {
	f := &fakes{handle: func(r *shimtest.Request, p *shimtest.Peer) {
		if r.Vars["PATH_INFO"] != "/hang" {
			_ = p.Answer(r.Stream, "200 OK", "x")
		}
	}}
	bubble(t, f, Options{Workers: 1}, func(t *testing.T, p *Pool, e *events) {
		up(t, p)
		done := make(chan error, 1)
		go func() { _, err := ask(t.Context(), p, "/hang"); done <- err }()
		synctest.Wait()
		f.any().end(process.Exit{Code: -1, Signal: 9, SignalName: "SIGKILL"})
		if err := <-done; !errors.Is(err, shim.ErrWorkerGone) {
			t.Errorf("%v", err)
		}
		began := time.Now()
		if body, err := ask(t.Context(), p, "/"); body != "x" || err != nil { // waits for the next worker
			t.Errorf("%q %v", body, err)
		}
		if d := time.Since(began); d > time.Second {
			t.Errorf("the first death waited: %v", d)
		}
		exits := of[WorkerExit](e)
		if len(exits) != 1 {
			t.Fatalf("%d worker_exit", len(exits))
		}
		x := exits[0]
		if x.Exit.Cause() != "signal:9" || x.Ours || x.Reason != None || x.State != Serving || len(x.InFlight) != 1 || x.InFlight[0].Label.Target != "/hang" {
			t.Errorf("%+v", x)
		}
	})
}

func TestStopLadder(t *testing.T) {
	f := &fakes{deaf: true}
	synctest.Test(t, func(t *testing.T) {
		e := &events{}
		p := New(Options{App: "shop", Spawner: f, Events: e.add, Workers: 2, TermGrace: 2 * time.Second,
			Command: func() (process.Command, error) { return process.Command{Args: []string{"fake"}}, nil }})
		p.Start()
		up(t, p)
		time.Sleep(time.Second)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		p.Stop(ctx, Shutdown) // SIGTERM after 7.5 s, SIGKILL after 9.5 s
		if d := time.Since(began); d < 9*time.Second || d > 10*time.Second {
			t.Errorf("stopped after %v", d)
		}
		for _, x := range of[WorkerExit](e) {
			if x.State != Killing || x.Reason != Shutdown || !x.Ours || !x.Late() || x.Err == nil {
				t.Errorf("%+v", x)
			}
		}
		if _, err := p.Acquire(t.Context(), shim.Label{}); err != shim.ErrStopping {
			t.Errorf("Acquire: %v", err)
		}
	})
}

func TestKillEndsAtOnce(t *testing.T) {
	f := &fakes{deaf: true}
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{App: "shop", Spawner: f, Workers: 2, TermGrace: time.Hour, Command: func() (process.Command, error) { return process.Command{Args: []string{"fake"}}, nil }})
		p.Start()
		up(t, p)
		began := time.Now()
		stopped := make(chan struct{})
		go func() { p.Stop(context.Background(), Shutdown); close(stopped) }()
		synctest.Wait()
		p.Kill()
		<-stopped
		if d := time.Since(began); d > 2*time.Second {
			t.Errorf("killed after %v", d)
		}
	})
}

// Garbage on the frame pipe of a process that lives on: it is killed, and the
// record says why.
func TestProtocolErrorKills(t *testing.T) {
	f := &fakes{deaf: true}
	bubble(t, f, Options{Workers: 1}, func(t *testing.T, p *Pool, e *events) {
		up(t, p)
		f.mu.Lock()
		f.deaf = false // those that come after
		f.mu.Unlock()
		_ = f.any().peer.Raw([]byte("printed by somebody"))
		time.Sleep(10 * time.Second)
		x := of[WorkerExit](e)
		if len(x) != 1 || x[0].Reason != ProtocolError || x[0].Err == nil || !strings.Contains(x[0].Err.Error(), "printed by") {
			t.Errorf("%+v", x)
		}
		if body, err := ask(t.Context(), p, "/"); body != "hello" || err != nil {
			t.Errorf("%q %v", body, err)
		}
	})
}

func TestStates(t *testing.T) {
	legal := map[[2]State]bool{{Starting, Booting}: true, {Booting, Serving}: true, {Serving, Draining}: true}
	for s := Starting; s <= Exited; s++ {
		for next := Starting; next <= Exited; next++ {
			want := legal[[2]State{s, next}] || next > s && next >= Stopping
			if got := s.mayFollow(next); got != want {
				t.Errorf("%v to %v: %v", s, next, got)
			}
		}
	}
	if State(9).String() == "" || Reason(99).String() == "" {
		t.Error("no String")
	}
}
