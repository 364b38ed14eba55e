package supervisor

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor/output"
	"github.com/standpipe/standpipe/supervisor/process"
)

// Worker is one incarnation of a child process. It is used once.
type Worker struct {
	pool *Pool
	gen  *generation
	who  Who
	slot int
	most int64 // requests that it may serve; 0: no limit

	// Of the slot: it is ready; it takes no new request for a reason of its own.
	onReady func()
	onLeave func(Reason)

	boot  *boot        // its place at the boot limiter
	state atomic.Int32 // written by run alone

	hello   chan *wire.Hello  // capacity 1
	ready   chan *wire.Ready  // capacity 1
	failed  chan *wire.Failed // capacity 1
	expired chan expiry       // as many as it may run: the first one retires the worker
	retire  chan Reason       // capacity 4
	fence   chan int64        // capacity 1: it is larger than HardRSS
	dumps   chan chan string  // somebody wants its stacks
	gone    chan struct{}     // closed when the process has been reaped
	idle    chan struct{}     // capacity 1: nothing in flight while it drains, or only what is given up
	stacks  *output.Stacks
	kill    chan struct{} // closed by Pool.Kill through the pool

	program string // Args[0] of the command
	tag     string // the secret of the tags in its output: nobody else can make one
	conn    *shim.Conn
	child   *process.Child
	started time.Time
	termed  bool // we sent SIGTERM
	killed  bool // we sent SIGKILL
	outside bool // a signal from outside ended it

	mu    sync.Mutex
	tail  output.Tail // output before Ready
	crash output.Tail // what Python printed from "Fatal Python error" on

	// Under pool.mu:
	inFlight int
	givenUp  int // of those in flight: their time is over, or their client gone
	serving  bool
	freed    int64 // the pool's clock when it last became free: longest idle first
	served   int64
	due      bool // it is to be replaced
	ahead    int  // requests that it may be sent beyond the one that it runs
	oom      *process.OOMWatch

	rss    atomic.Int64 // bytes, when it was last looked at; 0: it was not
	growth growth       // where MaxRSS is set
}

type expiry struct {
	x     *shim.Exchange
	cause shim.Cause
	why   string
}

func newWorker(p *Pool, gen *generation, slot int) *Worker {
	return &Worker{
		pool: p, gen: gen, slot: slot, tag: process.RandomHex(), most: spread(gen.MaxRequests, gen.Jitter),
		who:   Who{App: p.opts.App, Worker: fmt.Sprintf("%s/%d", p.opts.App, slot+1), Generation: gen.number},
		hello: make(chan *wire.Hello, 1), ready: make(chan *wire.Ready, 1), failed: make(chan *wire.Failed, 1),
		expired: make(chan expiry, 2*(gen.Threads+gen.Prefetch)), retire: make(chan Reason, 4), idle: make(chan struct{}, 1),
		stacks: output.NewStacks(), kill: make(chan struct{}), fence: make(chan int64, 1), dumps: make(chan chan string),
		gone:    make(chan struct{}),
		onReady: func() {}, onLeave: func(Reason) {},
	}
}

// State returns where the worker is.
func (w *Worker) State() State { return State(w.state.Load()) }

func (w *Worker) enter(s State) {
	if old := w.State(); !old.mayFollow(s) && old != s {
		panic(fmt.Sprintf("supervisor: %s: from %v to %v", w.who.Worker, old, s))
	}
	w.state.Store(int32(s))
}

// run starts the process, sees it through its life, and returns when it is
// reaped and all its goroutines have ended. It reports whether the worker was
// ready once, and why it was asked to leave.
func (w *Worker) run() (wasReady bool, reason Reason) {
	w.pool.mu.Lock()
	w.started = time.Now()
	w.pool.mu.Unlock()
	if err := w.spawn(); err != nil {
		w.state.Store(int32(Exited))
		if f := (*templateFailure)(nil); errors.As(err, &f) && f.err != errStopped {
			w.tail.Add(f.output)
			w.outside = f.outside
			w.bootFailed(f.failed, f.err, f.stacks)
		} else {
			w.bootFailed(nil, err, "")
		}
		return false, BootFailed
	}
	w.pool.emit(WorkerStarted{w.who})

	var wg sync.WaitGroup
	connDone := make(chan error, 1)
	exit := make(chan process.Exit, 1)
	outputDone := make(chan struct{})
	wg.Go(func() { connDone <- w.conn.Run() })
	wg.Go(func() { exit <- w.child.Wait() })
	wg.Go(func() {
		defer close(outputDone)
		output.Read(w.child.Output, w.tag, func() string { return w.conn.Sole(output.SoleFor) }, w.output)
	})
	if w.child.Stacks != nil {
		wg.Go(func() { w.stacks.Follow(w.child.Stacks) })
	}

	l := life{Worker: w, connDone: connDone, exit: exit}
	ended := l.live()
	close(w.gone)
	w.pool.leave(w) // at once: nothing new goes to a dead process
	// The process is reaped and its group is dead. Its last frames and its last
	// output may still be in the pipes; a stranger that left the group may hold
	// them open, so nobody waits for long.
	if !l.connEnded {
		select {
		case l.connErr = <-connDone:
		case <-time.After(200 * time.Millisecond):
		}
	}
	if err := w.conn.Err(); l.reason == None && errors.As(err, new(*wire.ProtocolError)) {
		l.reason, l.protocol = ProtocolError, err // whatever ended it then
	}
	ended.OOM = w.oomHappened(ended, l.killed)
	fate := l.fate(ended)
	w.conn.SetFate(fate)
	w.conn.Close()
	select {
	case <-outputDone:
	case <-time.After(w.pool.lastOutput()):
	}
	w.child.Output.Close()
	stacks := l.fenced
	if ended.Crashed() {
		stacks = l.crashStacks()
		l.stuck = cmp.Or(l.stuck, stacks)
	}
	if w.child.Stacks != nil {
		w.child.Stacks.Close()
	}
	w.child.Release()
	wg.Wait()

	died := w.State()
	w.enter(Exited)
	if !l.wasReady && l.failure == nil {
		select {
		case l.failure = <-w.failed: // waitpid was faster than its last frame
			if l.reason == None {
				l.reason = BootFailed
			}
		default:
		}
	}
	w.outside = l.failure == nil && l.reason == None && ended.FromOutside(w.killed || w.termed)
	if !l.wasReady {
		w.bootFailed(l.failure, l.bootErr(ended), l.stuck)
		l.protocol = nil // told
	}
	record := WorkerExit{
		Who: w.who, State: died, Reason: l.reason, Exit: ended,
		Ours: ended.Signal > 0 && (w.killed || w.termed), Up: time.Since(w.started).Round(time.Millisecond),
		Served: w.pool.exited(w, l.reason, ended), InFlight: w.conn.InFlight(), Err: l.protocol, Fate: fate,
		RSS: w.rss.Load(), Stacks: stacks,
	}
	if w.gen.MaxRSS > 0 && record.RSS > 0 {
		record.Limit = w.gen.MaxRSS
		record.Growth, record.Grew = w.growth.most(record.RSS)
	}
	w.pool.emit(record)
	return l.wasReady, l.reason
}

func (w *Worker) spawn() error {
	child, program, leaf, err := w.process()
	if err != nil {
		return err
	}
	conn := shim.NewConn(w.who.Worker, child.Ends, w)
	conn.ShareWithin(w.gen.Shared)
	w.pool.mu.Lock() // others look at it from now on
	defer w.pool.mu.Unlock()
	w.child, w.program, w.conn, w.oom = child, program, conn, process.WatchOOM(leaf)
	w.who.Pid = child.Pid()
	return nil
}

// process starts the worker's process, or has it forked.
func (w *Worker) process() (child *process.Child, program string, leaf *process.Cgroup, err error) {
	if w.gen.Preload {
		return w.pool.fork(w)
	}
	c, err := w.gen.Command()
	if err != nil {
		return nil, "", nil, err
	}
	c.Args = w.who.titled(c.Args)
	w.pool.runs(w.gen, c)
	c.Env = append(append([]string(nil), c.Env...),
		fmt.Sprintf("STANDPIPE_WORKER=%d", w.slot), fmt.Sprintf("STANDPIPE_GENERATION=%d", w.who.Generation))
	child, err = w.gen.Spawner.Spawn(c)
	return child, c.Args[0], c.Cgroup, err
}

// bootFailed ends the boot and reports it.
func (w *Worker) bootFailed(f *wire.Failed, err error, stacks string) {
	w.mu.Lock()
	output := strings.TrimRight(w.tail.String(), "\n")
	w.mu.Unlock()
	e := BootFailure{Who: w.who, Failed: f, Err: err, Stacks: stacks, Output: output, Outside: w.outside}
	how := bootFailed
	if err == errStopped {
		how = bootLeft
	}
	pause, tell := w.pool.bootEnded(w, how, e)
	if e.Retry = pause; tell {
		w.pool.emit(e)
	}
}

// oomHappened: the kernel killed it for lack of memory.
func (w *Worker) oomHappened(e process.Exit, ours bool) bool {
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	return w.oom.Happened(e, ours)
}

// size returns the process's resident size in bytes; 0: unknown.
func (w *Worker) size() int64 {
	if p, ok := w.child.Process.(interface{ RSS() int64 }); ok {
		return p.RSS()
	}
	return 0
}

// readRSS returns the process's resident size in octets; 0: unknown.
func (w *Worker) readRSS() int64 {
	w.pool.mu.Lock()
	child, oom := w.child, w.oom
	w.pool.mu.Unlock()
	if oom != nil {
		n := oom.Count() // a file: not under the pool's lock
		w.pool.mu.Lock()
		oom.Look(n)
		w.pool.mu.Unlock()
	}
	if child == nil {
		return 0
	}
	return w.size()
}
