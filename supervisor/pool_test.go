package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor/process"
)

// fakes is a Spawner of workers in memory. Its processes exit when their peer's
// pipes end, or when they are signalled.
type fakes struct {
	mu      sync.Mutex
	handle  func(*shimtest.Request, *shimtest.Peer)
	byName  func(program string) func(*shimtest.Request, *shimtest.Peer) // in place of handle
	fail    *wire.Failed                                                 // what new workers say in place of Ready
	err     error                                                        // Spawn's own error
	mute    bool                                                         // new workers never say anything
	deaf    bool                                                         // new workers ignore SIGTERM and the end of their requests
	started []time.Time
	live    map[*fake]bool
	booting int
	most    int // workers that booted at a time
}

type fake struct {
	all  *fakes
	name string
	peer *shimtest.Peer
	pid  int
	deaf bool
	exit chan process.Exit
	once sync.Once
}

func (f *fakes) Spawn(c process.Command) (*process.Child, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.started = append(f.started, time.Now())
	if f.err != nil {
		return nil, f.err
	}
	ends, peer := shimtest.Pipe()
	peer.Handle, peer.Fail = f.handle, f.fail
	if f.byName != nil {
		peer.Handle = f.byName(c.Args[0])
	}
	p := &fake{all: f, name: c.Args[0], peer: peer, pid: 1000 + len(f.started), deaf: f.deaf, exit: make(chan process.Exit, 1)}
	if f.live == nil {
		f.live = map[*fake]bool{}
	}
	f.live[p] = true
	f.booting++
	f.most = max(f.most, f.booting)
	if !f.mute {
		go func() {
			time.Sleep(100 * time.Millisecond) // fake time: an import
			f.mu.Lock()
			f.booting--
			f.mu.Unlock()
			err := peer.Run()
			if p.peer.Fail != nil {
				p.end(process.Exit{Code: 3})
			} else if err == nil && !p.deaf {
				p.end(process.Exit{})
			}
		}()
	}
	r, w := io.Pipe()
	go func() { <-p.done(); w.Close() }()
	return &process.Child{Process: p, Ends: ends, Output: r, Release: func() {}}, nil
}

func (p *fake) done() <-chan struct{} {
	c := make(chan struct{})
	go func() { e := <-p.exit; p.exit <- e; close(c) }()
	return c
}

func (p *fake) end(e process.Exit) {
	p.once.Do(func() {
		p.all.mu.Lock()
		delete(p.all.live, p)
		p.all.mu.Unlock()
		p.peer.Close()
		p.exit <- e
	})
}

func (p *fake) Pid() int { return p.pid }

func (p *fake) Signal(o process.Order) error {
	switch {
	case o == process.Kill:
		p.end(process.Exit{Code: -1, Signal: 9, SignalName: "SIGKILL"})
	case o == process.Terminate && !p.deaf:
		p.end(process.Exit{Code: -1, Signal: 15, SignalName: "SIGTERM"})
	}
	return nil
}

func (p *fake) Wait() process.Exit { e := <-p.exit; p.exit <- e; return e }

func (f *fakes) any() *fake { return f.named("") }

// named returns a live process that runs program; empty: any.
func (f *fakes) named(program string) *fake {
	f.mu.Lock()
	defer f.mu.Unlock()
	for p := range f.live {
		if program == "" || p.name == program {
			return p
		}
	}
	return nil
}

// endAll ends the processes that live now, and none of those that come in their places.
func (f *fakes) endAll(e process.Exit) {
	f.mu.Lock()
	live := slices.Collect(maps.Keys(f.live))
	f.mu.Unlock()
	for _, p := range live {
		p.end(e)
	}
}

// look returns how many were started, and the most that booted at a time since
// the last look.
func (f *fakes) look() (started, most int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	most, f.most = f.most, 0
	return len(f.started), most
}

// breaks makes the workers that are started from now on fail; nil: not any more.
func (f *fakes) breaks(why *wire.Failed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = why
}

// events keeps what a pool tells.
type events struct {
	mu   sync.Mutex
	list []Event
}

func (e *events) add(ev Event) { e.mu.Lock(); e.list = append(e.list, ev); e.mu.Unlock() }

func of[T Event](e *events) []T {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []T
	for _, ev := range e.list {
		if t, ok := ev.(T); ok {
			out = append(out, t)
		}
	}
	return out
}

// bubble runs f with a started pool in a synctest bubble, and stops the pool.
func bubble(t *testing.T, f *fakes, o Options, run func(t *testing.T, p *Pool, e *events)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := &events{}
		o.App, o.Spawner, o.Events = "shop", f, e.add
		if o.Command == nil {
			o.Command = program("fake")
		}
		if o.TermGrace == 0 {
			o.TermGrace = 2 * time.Second
		}
		p := New(o)
		p.Start()
		run(t, p, e)
		p.Stop(context.Background(), Shutdown)
		synctest.Wait()
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.live) > 0 {
			t.Errorf("%d processes are left", len(f.live))
		}
		if starts, exits := len(of[WorkerStarted](e)), len(of[WorkerExit](e)); starts != exits {
			t.Errorf("%d starts and %d worker_exit records", starts, exits)
		}
	})
}

func program(name string) func() (process.Command, error) {
	return func() (process.Command, error) { return process.Command{Args: []string{name}}, nil }
}

func up(t *testing.T, p *Pool) {
	t.Helper()
	select {
	case <-p.Up():
	case <-time.After(time.Minute):
		t.Fatal("no worker is up after a minute")
	}
}

// ask sends a request and returns the answer's body.
func ask(ctx context.Context, p *Pool, target string) (string, error) {
	x, err := p.Acquire(ctx, shim.Label{ID: "id-" + target, Method: "GET", Target: target, Start: time.Now()})
	if err != nil {
		return "", err
	}
	defer x.Close()
	if err := x.Send([]wire.Var{{Name: "PATH_INFO", Value: target}}, nil, true); err != nil {
		return "", err
	}
	if _, err := x.Head(ctx); err != nil {
		return "", err
	}
	b, err := x.Next(ctx)
	return string(b), err
}

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
			_, _ = x.Head(t.Context())
			x.Close()
			synctest.Wait()
		}
		for w, n := range served {
			if n != 25 {
				t.Errorf("%s served %d of 100", w, n)
			}
		}
	})
}

func TestLine(t *testing.T) {
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
		if got := p.Failure(); got == nil || !strings.Contains(got.Err.Error(), "1m0s") {
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
		x.Expire("30s are over")
		x.Close()
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

func (f *fakes) pid(pid int) *fake {
	f.mu.Lock()
	defer f.mu.Unlock()
	for p := range f.live {
		if p.pid == pid {
			return p
		}
	}
	return nil
}
