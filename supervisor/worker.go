package supervisor

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/shim"
)

// Worker is one incarnation of a child process. It is used once.
type Worker struct {
	pool *Pool
	who  Who
	slot int

	state atomic.Int32 // written by run alone

	hello   chan *shim.Hello  // capacity 1
	ready   chan *shim.Ready  // capacity 1
	failed  chan *shim.Failed // capacity 1
	expired chan expiry       // as many as it may run: the first one retires the worker
	retire  chan Reason       // capacity 1
	idle    chan struct{}     // capacity 1: nothing in flight while it drains, or only what is given up
	stacks  chan string       // capacity 8; pieces of stacks
	kill    chan struct{}     // closed by Pool.Kill through the pool

	program string // Args[0] of the command
	tag     string // the secret of the tags in its output: nobody else can make one
	conn    *shim.Conn
	child   *Child
	started time.Time
	termed  bool // we sent SIGTERM
	killed  bool // we sent SIGKILL

	mu   sync.Mutex
	tail tail // output before Ready

	// Under pool.mu:
	inFlight int
	givenUp  int // of those in flight: their time is over, or their client gone
	serving  bool
	freed    int64 // the pool's clock when it last became free: longest idle first
	served   int64
}

type expiry struct {
	x     *shim.Exchange
	cause shim.Cause
	why   string
}

func newWorker(p *Pool, slot, generation int) *Worker {
	return &Worker{
		pool: p, slot: slot, tag: secret(),
		who:   Who{App: p.opts.App, Worker: fmt.Sprintf("%s/%d", p.opts.App, slot+1), Generation: generation},
		hello: make(chan *shim.Hello, 1), ready: make(chan *shim.Ready, 1), failed: make(chan *shim.Failed, 1),
		expired: make(chan expiry, 2*max(p.opts.Threads, 1)), retire: make(chan Reason, 1), idle: make(chan struct{}, 1),
		stacks: make(chan string, 8), kill: make(chan struct{}),
	}
}

// secret makes 16 hex digits.
func secret() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
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
	w.started = time.Now()
	if err := w.spawn(); err != nil {
		w.state.Store(int32(Exited))
		w.bootFailed(nil, err, "")
		return false, BootFailed
	}
	w.pool.emit(WorkerStarted{w.who})

	var wg sync.WaitGroup
	connDone := make(chan error, 1)
	exit := make(chan Exit, 1)
	outputDone := make(chan struct{})
	wg.Go(func() { connDone <- w.conn.Run() })
	wg.Go(func() { exit <- w.child.Wait() })
	wg.Go(func() {
		defer close(outputDone)
		readOutput(w.child.Output, w.tag, func() string { return w.conn.Sole(alone) }, w.output)
	})
	if w.child.Stacks != nil {
		wg.Go(w.readStacks)
	}

	l := life{Worker: w, connDone: connDone, exit: exit}
	ended := l.live()
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
	w.conn.Close()
	select {
	case <-outputDone:
	case <-time.After(w.pool.lastOutput()):
	}
	w.child.Output.Close()
	if w.child.Stacks != nil {
		w.child.Stacks.Close()
	}
	w.child.Release()
	wg.Wait()

	died := w.State()
	w.pool.leave(w)
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
	if !l.wasReady {
		w.bootFailed(l.failure, l.bootErr(ended), l.stuck)
		l.protocol = nil // told
	}
	w.pool.emit(WorkerExit{
		Who: w.who, State: died, Reason: l.reason, Exit: ended,
		Ours: ended.Signal > 0 && (w.killed || w.termed), Up: time.Since(w.started).Round(time.Millisecond),
		Served: w.pool.servedBy(w), InFlight: w.conn.InFlight(), Err: l.protocol,
	})
	return l.wasReady, l.reason
}

func (w *Worker) spawn() error {
	c, err := w.pool.opts.Command()
	if err != nil {
		return err
	}
	c.Env = append(append([]string(nil), c.Env...),
		fmt.Sprintf("STANDPIPE_WORKER=%d", w.slot), fmt.Sprintf("STANDPIPE_GENERATION=%d", w.who.Generation))
	child, err := w.pool.opts.Spawner.Spawn(c)
	if err != nil {
		return err
	}
	w.child, w.program = child, c.Args[0]
	w.who.Pid = child.Pid()
	w.conn = shim.NewConn(w.who.Worker, child.Ends, w)
	return nil
}

// bootFailed ends the boot at the gate and tells of it.
func (w *Worker) bootFailed(f *shim.Failed, err error, stacks string) {
	w.mu.Lock()
	output := strings.TrimRight(string(w.tail.b), "\n")
	w.mu.Unlock()
	e := BootFailure{Who: w.who, Failed: f, Err: err, Stacks: stacks, Output: output}
	e.Retry = w.pool.bootEnded(false, e)
	if err != errStopped {
		w.pool.emit(e)
	}
}
