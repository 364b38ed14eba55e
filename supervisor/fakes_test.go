package supervisor

import (
	"context"
	"io"
	"maps"
	"slices"
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
	defer x.Close(0)
	if err := x.Send([]wire.Var{{Name: "PATH_INFO", Value: target}}, nil, true); err != nil {
		return "", err
	}
	return shimtest.Body(ctx, x)
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
