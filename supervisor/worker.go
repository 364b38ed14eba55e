package supervisor

import (
	"errors"
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
	expired chan expiry       // capacity 1: the first one retires the worker
	retire  chan Reason       // capacity 1
	idle    chan struct{}     // capacity 1: nothing in flight while it drains
	stacks  chan string       // capacity 8; pieces of stacks
	kill    chan struct{}     // closed by Pool.Kill through the pool

	program string // Args[0] of the command
	conn    *shim.Conn
	child   *Child
	started time.Time
	termed  bool // we sent SIGTERM
	killed  bool // we sent SIGKILL

	mu   sync.Mutex
	tail tail // output before Ready

	// Under pool.mu:
	inFlight int
	serving  bool
	freed    int64 // the pool's clock when it last became free: longest idle first
	served   int64
}

type expiry struct {
	request shim.InFlight
	why     string
}

func newWorker(p *Pool, slot, generation int) *Worker {
	return &Worker{
		pool: p, slot: slot,
		who:   Who{App: p.opts.App, Worker: fmt.Sprintf("%s/%d", p.opts.App, slot+1), Generation: generation},
		hello: make(chan *shim.Hello, 1), ready: make(chan *shim.Ready, 1), failed: make(chan *shim.Failed, 1),
		expired: make(chan expiry, 1), retire: make(chan Reason, 1), idle: make(chan struct{}, 1),
		stacks: make(chan string, 8), kill: make(chan struct{}),
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
	wg.Go(func() { defer close(outputDone); readOutput(w.child.Output, w.output) })
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

// life is the part of a worker's run between its start and its end.
type life struct {
	*Worker
	connDone  chan error
	exit      chan Exit
	connEnded bool
	connErr   error
	wasReady  bool
	control   bool // the worker reads fd 3
	canDump   bool // SIGUSR2 writes stacks; without that handler it kills
	reason    Reason
	failure   *shim.Failed
	stuck     string // stacks at the boot timeout
	protocol  error  // a *shim.ProtocolError or what else broke the pipe
}

// live returns when the process has been reaped.
func (l *life) live() Exit {
	w := l.Worker
	var bootTimer, tick, ladder <-chan time.Time
	if d := w.pool.opts.BootTimeout; d > 0 {
		bootTimer = time.After(d)
	}
	if d := w.pool.opts.BootTick; d > 0 {
		tick = time.Tick(d)
	}
	kill := w.kill
	stop := func(r Reason) {
		bootTimer, tick = nil, nil
		l.reason = r
		ladder = l.stopNow()
	}
	drain := func(r Reason, grace time.Duration) {
		l.reason = r
		w.enter(Draining)
		if w.pool.leave(w) == 0 || grace == 0 {
			ladder = l.stopNow()
			return
		}
		ladder = time.After(grace)
	}
	for {
		select {
		case e := <-l.exit:
			return e
		case h := <-w.hello:
			if w.State() == Starting {
				if want := w.pool.opts.Hash; want != "" && h.Hash != want {
					l.protocol = fmt.Errorf("%s runs another shim: its hash is %.64q, not %s", w.program, h.Hash, want)
					stop(ProtocolError)
					continue
				}
				w.enter(Booting)
				l.control, l.canDump = h.Control, h.Stacks
				w.pool.emit(WorkerHello{w.who, h})
				m := w.pool.opts.Boot
				m.Worker, m.Generation = w.slot, w.who.Generation
				if err := w.conn.Boot(&m); err != nil {
					l.protocol = err
					stop(ProtocolError)
				}
			}
		case r := <-w.ready:
			if w.State() == Booting {
				bootTimer, tick = nil, nil
				l.wasReady = true
				w.enter(Serving)
				w.pool.bootEnded(true, BootFailure{})
				count, of := w.pool.join(w)
				w.pool.emit(WorkerReady{w.who, r, time.Since(w.started), count, of})
			}
		case f := <-w.failed:
			if w.State() < Serving {
				l.failure = f
				bootTimer, tick = nil, nil
				stop(BootFailed)
			}
		case <-bootTimer:
			tick = nil
			l.protocol = fmt.Errorf("not ready within %v", w.pool.opts.BootTimeout)
			l.stuck = l.takeStacks()
			stop(BootTimeout)
		case <-tick:
			w.pool.emit(WorkerWaits{w.who, w.State(), time.Since(w.started).Round(time.Second), l.takeStacks()})
		case err := <-l.connDone:
			l.connEnded, l.connErr = true, err
			l.connDone = nil
			if l.reason == None && errors.As(err, new(*shim.ProtocolError)) {
				l.protocol = err // the cause, whatever the process does now that its pipes are closed
				w.pool.leave(w)
				stop(ProtocolError)
				continue
			}
			if e, ok := l.awaitDeath(200 * time.Millisecond); ok {
				return e
			}
			// It lives, but nobody can talk to it any more.
			if l.reason == None {
				l.protocol = err
				w.pool.leave(w)
				stop(ProtocolError)
			}
		case x := <-w.expired:
			w.pool.emit(RequestExpired{w.who, x.request, x.why, l.takeStacks()})
			if w.State() == Serving {
				drain(RequestTimeout, w.pool.graceFor(w))
			}
		case r := <-w.retire:
			switch {
			case w.State() == Serving:
				drain(r, 0)
			case w.State() < Serving:
				stop(r)
			case w.State() == Draining:
				ladder = l.stopNow()
			}
		case <-w.idle:
			switch w.State() {
			case Draining:
				ladder = l.stopNow()
			case Stopping:
				w.conn.CloseRequests()
			}
		case <-kill:
			kill = nil
			bootTimer, tick = nil, nil
			l.killNow()
			if l.reason == None {
				l.reason = Shutdown
			}
		case <-ladder:
			ladder = nil
			switch {
			case w.State() == Draining:
				ladder = l.stopNow()
			case !w.termed:
				ladder = l.terminate()
			default:
				l.killNow()
			}
		}
	}
}

// stopNow tells the worker to leave, and returns the time after which the next
// step is due: SIGTERM, which counts because Stop went first, and which goes to the
// group's other processes too; then SIGKILL.
func (l *life) stopNow() <-chan time.Time {
	l.enter(Stopping)
	_ = l.conn.Stop()
	busy := l.pool.leave(l.Worker)
	if busy == 0 { // else idle does it: credit and body are needed until then
		l.conn.CloseRequests()
	}
	if busy == 0 {
		return time.After(leaveByItself)
	}
	return l.terminate()
}

// leaveByItself is how long an idle worker may take to leave before SIGTERM: its
// interpreter is running exit handlers, which a signal would cut short.
const leaveByItself = 100 * time.Millisecond

// terminate sends SIGTERM, and returns the time after which SIGKILL follows.
func (l *life) terminate() <-chan time.Time {
	l.termed = true
	_ = l.child.Signal(Terminate)
	return time.After(l.pool.opts.TermGrace)
}

func (l *life) killNow() {
	if l.State() < Killing {
		l.enter(Killing)
	}
	l.killed = true
	_ = l.child.Signal(Kill)
}

// awaitDeath waits a moment for waitpid: an end of the pipes nearly always is a
// death.
func (l *life) awaitDeath(d time.Duration) (Exit, bool) {
	select {
	case e := <-l.exit:
		return e, true
	case <-time.After(d):
		return Exit{}, false
	}
}

// takeStacks asks the worker for its stacks: the control thread answers with
// source lines when it can get the GIL, faulthandler always.
func (l *life) takeStacks() string {
	for {
		select {
		case <-l.stacks: // of an earlier question
			continue
		default:
		}
		break
	}
	if l.control && l.conn.Dump() == nil {
		if s := l.collect(300 * time.Millisecond); s != "" {
			return s
		}
	}
	if !l.canDump || l.child.Stacks == nil || l.child.Signal(Dump) != nil {
		return ""
	}
	return l.collect(500 * time.Millisecond)
}

// collect gathers pieces until none came for a moment, at most limit long.
func (l *life) collect(limit time.Duration) string {
	var b strings.Builder
	end := time.After(limit)
	for {
		var quiet <-chan time.Time
		if b.Len() > 0 {
			quiet = time.After(30 * time.Millisecond)
		}
		select {
		case s := <-l.stacks:
			b.WriteString(s)
		case <-quiet:
			return b.String()
		case <-end:
			return b.String()
		}
	}
}

// bootErr says why a worker that never was ready ended.
func (l *life) bootErr(e Exit) error {
	switch {
	case l.failure != nil:
		return l.failure
	case l.reason == Shutdown:
		return errStopped
	case l.protocol != nil:
		return l.protocol
	case e.Signal > 0:
		return fmt.Errorf("%s was ended by signal %d (%s) before the app was loaded", l.program, e.Signal, e.SignalName)
	case l.connErr != nil && errors.As(l.connErr, new(*shim.ProtocolError)):
		return l.connErr
	}
	return fmt.Errorf("%s ended with status %d before the app was loaded", l.program, e.Code)
}

var errStopped = errors.New("stopped while it was starting")
