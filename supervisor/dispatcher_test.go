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
)

func TestServes(t *testing.T) {
	bubble(t, &fakes{}, Options{Workers: 2}, func(t *testing.T, p *Pool, e *events) {
		up(t, p)
		for range 10 {
			if body, err := ask(t.Context(), p, "/"); body != "hello" || err != nil {
				t.Fatalf("%q %v", body, err)
			}
		}
		synctest.Wait()
		if s := p.Stats(); s.Ready != 2 || s.Busy != 0 || !s.EverUp {
			t.Errorf("stats %+v", s)
		}
		if r := of[WorkerReady](e); len(r) != 2 || r[1].Count != 2 || r[1].Of != 2 {
			t.Errorf("ready events %+v", r)
		}
	})
}

// Uniform requests spread over the workers: the longest idle is next.
func TestSpread(t *testing.T) {
	bubble(t, &fakes{}, Options{Workers: 4}, func(t *testing.T, p *Pool, _ *events) {
		up(t, p)
		time.Sleep(time.Second)
		served := map[string]int{}
		for range 100 {
			x, err := p.Acquire(t.Context(), shim.Label{})
			if err != nil {
				t.Fatal(err)
			}
			served[x.Worker()]++
			_ = x.Send(nil, nil, true)
			_, _ = shimtest.Head(t.Context(), x)
			x.Close(0)
			synctest.Wait()
		}
		for w, n := range served {
			if n != 25 {
				t.Errorf("%s served %d of 100", w, n)
			}
		}
	})
}

func TestQueue(t *testing.T) {
	var gate chan struct{} // made in the bubble
	f := &fakes{}
	f.handle = func(r *shimtest.Request, p *shimtest.Peer) {
		<-gate
		_ = p.Answer(r.Stream, "200 OK", r.Vars["PATH_INFO"])
	}
	bubble(t, f, Options{Workers: 1, Queue: 2, QueueTimeout: 10 * time.Second}, func(t *testing.T, p *Pool, e *events) {
		gate = make(chan struct{})
		up(t, p)
		type answer struct {
			body string
			err  error
		}
		answers := make([]chan answer, 4)
		ctx, leave := context.WithCancel(t.Context())
		for i := range answers {
			answers[i] = make(chan answer, 1)
			c := t.Context()
			if i == 1 {
				c = ctx
			}
			go func() { b, err := ask(c, p, fmt.Sprint("/", i)); answers[i] <- answer{b, err} }()
			synctest.Wait() // in order
		}
		// 0 runs, 1 and 2 wait, 3 was refused.
		var full *shim.QueueFull
		if a := <-answers[3]; !errors.As(a.err, &full) || full.Waiting != 2 || full.Busy != 1 {
			t.Errorf("the fourth: %v", a.err)
		}
		for range 3 {
			if err := p.Admit(); !errors.Is(err, shim.ErrQueueFull) {
				t.Errorf("Admit: %v", err)
			}
		}
		if r := of[Refused](e); len(r) != 1 || r[0].Full != 1 || len(r[0].Busy) != 1 || r[0].Busy[0].InFlight[0].Label.Target != "/0" {
			t.Errorf("told of refusals: %+v", r)
		}
		time.Sleep(time.Second) // what came meanwhile is told then
		synctest.Wait()
		if r := of[Refused](e); len(r) != 2 || r[1].Full != 3 {
			t.Errorf("told of refusals: %+v", r)
		}
		leave() // 1 gives up: the app never sees it
		if a := <-answers[1]; a.err != context.Canceled {
			t.Errorf("the second: %v", a.err)
		}
		synctest.Wait()
		if s := p.Stats(); s.Waiting != 1 {
			t.Errorf("%d wait", s.Waiting)
		}
		if err := p.Admit(); err != nil {
			t.Errorf("Admit: %v", err)
		}
		close(gate)
		for _, i := range []int{0, 2} {
			if a := <-answers[i]; a.body != fmt.Sprint("/", i) || a.err != nil {
				t.Errorf("request %d: %q %v", i, a.body, a.err)
			}
		}
	})
}

func TestQueueTimeout(t *testing.T) {
	var gate chan struct{} // made in the bubble
	f := &fakes{handle: func(r *shimtest.Request, p *shimtest.Peer) { <-gate; _ = p.Answer(r.Stream, "200 OK", "x") }}
	bubble(t, f, Options{Workers: 1, QueueTimeout: 10 * time.Second}, func(t *testing.T, p *Pool, _ *events) {
		gate = make(chan struct{})
		up(t, p)
		go func() { _, _ = ask(t.Context(), p, "/0") }()
		synctest.Wait()
		began := time.Now()
		if _, err := ask(t.Context(), p, "/1"); err != shim.ErrQueueTimeout || time.Since(began) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		close(gate)
		synctest.Wait()
	})
}

// A worker runs as many requests at a time as it has threads.
func TestThreads(t *testing.T) {
	var gate chan struct{} // made in the bubble
	f := &fakes{handle: func(r *shimtest.Request, p *shimtest.Peer) { <-gate; _ = p.Answer(r.Stream, "200 OK", "x") }}
	bubble(t, f, Options{Workers: 2, Threads: 3}, func(t *testing.T, p *Pool, _ *events) {
		gate = make(chan struct{})
		up(t, p)
		time.Sleep(time.Second)
		done := make(chan error, 10)
		for i := range 7 {
			go func() { _, err := ask(t.Context(), p, fmt.Sprint("/", i)); done <- err }()
		}
		synctest.Wait()
		if s := p.Stats(); s.Waiting != 1 || s.Busy != 2 {
			t.Errorf("stats %+v", s)
		}
		in := 0
		for _, b := range p.roster.busyWorkers() {
			in += len(b.InFlight)
		}
		if in != 6 {
			t.Errorf("%d in flight", in)
		}
		close(gate)
		for range 7 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

// A request whose time is over: the others of that worker finish, then it is
// replaced; the stacks are told.
func TestExpire(t *testing.T) {
	var gate chan struct{} // made in the bubble
	f := &fakes{handle: func(r *shimtest.Request, p *shimtest.Peer) {
		if r.Vars["PATH_INFO"] == "/sibling" {
			<-gate
			_ = p.Answer(r.Stream, "200 OK", "sibling")
		}
	}}
	bubble(t, f, Options{Workers: 1, Threads: 2, DrainGrace: 5 * time.Second}, func(t *testing.T, p *Pool, e *events) {
		gate = make(chan struct{})
		up(t, p)
		sibling := make(chan string, 1)
		go func() { b, _ := ask(t.Context(), p, "/sibling"); sibling <- b }()
		synctest.Wait()
		x, err := p.Acquire(t.Context(), shim.Label{ID: "01", Target: "/stuck"})
		if err != nil {
			t.Fatal(err)
		}
		_ = x.Send([]wire.Var{{Name: "PATH_INFO", Value: "/stuck"}}, nil, true)
		_ = x.Abort(shim.TimeOver, "30s are over")
		time.Sleep(2 * time.Second)
		close(gate)
		if b := <-sibling; b != "sibling" {
			t.Errorf("the sibling got %q", b)
		}
		time.Sleep(30 * time.Second)
		r := of[RequestExpired](e)
		if len(r) != 1 || r[0].Request.Label.Target != "/stuck" || r[0].Stacks != "fake stacks" {
			t.Errorf("%+v", r)
		}
		ex := of[WorkerExit](e)
		if len(ex) != 1 || ex[0].Reason != RequestTimeout {
			t.Errorf("%+v", ex)
		}
		if s := p.Stats(); s.Ready != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}
