package supervisor

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor/process"
)

// workerDeath is how long a process may take to end after its pipes have: on a busy machine it does.
const workerDeath = 2 * time.Second

// Worker is one incarnation of a child process that serves requests. It is used once.
type Worker struct {
	*core
	gen  *generation
	who  Who
	slot int
	tag  string // the secret of the tags in its output: the app cannot make one up

	dispatch  *dispatcher
	boots     *boots
	recycle   *recycler
	templates *templates // that forks it where the app is preloaded
	orders    *orders    // of its slot

	// Of the slot: it is ready; it takes no new request although the slot did not ask.
	onReady func()
	onLeave func(Reason)

	boot    *boot        // at the boot limiter
	state   atomic.Int32 // written by the goroutine of run
	inputs  *inputs
	gone    chan struct{} // closed when the process was reaped
	outside bool          // a signal from outside ended it; read after run

	rss    atomic.Int64 // bytes, when it was last looked at; 0: it was not
	growth growth       // where MaxRSS is set

	// Under mu:
	backend
	inc     *process.Incarnation // nil: there is no process yet
	started time.Time
	due     bool // it is to be replaced
	oom     *process.OOMWatch
}

// State returns where the worker is in its life.
func (w *Worker) State() State { return State(w.state.Load()) }

// run starts the process, and returns when it was reaped and all its goroutines have ended. It reports whether the worker was
// ready once, and why it was asked to leave.
func (w *Worker) run() (wasReady bool, reason Reason) {
	w.mu.Lock()
	w.started = time.Now()
	w.mu.Unlock()
	program, err := w.spawn()
	if err != nil {
		w.state.Store(int32(Exited))
		w.neverStarted(err)
		return false, BootFailed
	}
	w.emit(WorkerStarted{w.who})
	w.inc.Run()
	subject := &workerLife{w: w, endWarm: func() {}}
	l := life{inc: w.inc, subject: subject, inputs: w.inputs, began: w.started, machine: machine{rules: w.gen.rules(program, "the worker")}}
	l.machine.rules.lifetime = time.Duration(spread(int64(w.gen.MaxLifetime), w.gen.Jitter))
	exit := l.run()
	close(w.gone)
	subject.endWarm()
	w.dispatch.leave(&w.backend) // at once: nothing new goes to a dead process
	w.end(&l, exit)
	return l.machine.served, l.machine.reason
}

// spawn starts the worker's process, and returns the name of the program.
func (w *Worker) spawn() (string, error) {
	child, program, leaf, err := w.process()
	if err != nil {
		return "", err
	}
	ends := child.Ends
	ends.Budget, ends.Process = w.gen.SharedMemory, shim.Process{PID: child.Pid(), Generation: w.who.Generation}
	inc := process.NewIncarnation(w.who.Worker, child, ends, w.tag, process.Hooks{
		Printed:  func(id, level, text string) { w.emit(Output{w.who, id, level, text}) },
		Logged:   func(l *shim.Label, r *wire.LogRecord) { w.emit(ShimLog{w.who, l, r}) },
		Requests: w,
		Purge:    w.gen.Purge,
		Debug:    w.debugHook(),
	})
	w.mu.Lock() // others look at it from now on
	defer w.mu.Unlock()
	w.inc, w.conn, w.oom = inc, inc.Conn, process.WatchOOM(leaf)
	w.who.Pid = child.Pid()
	return program, nil
}

// process starts the worker's process, or has it forked.
func (w *Worker) process() (child *process.Child, program string, leaf *process.Cgroup, err error) {
	if w.gen.Preload {
		child, t, err := w.templates.fork(w)
		if err != nil {
			return nil, "", nil, err
		}
		return child, t.program, t.leaf, nil
	}
	c, err := w.gen.Command()
	if err != nil {
		return nil, "", nil, err
	}
	c.Args = w.who.titled(c.Args)
	w.gen.runsIn(w.core, c)
	c.Env = append(append([]string(nil), c.Env...),
		fmt.Sprintf("STANDPIPE_WORKER=%d", w.slot), fmt.Sprintf("STANDPIPE_GENERATION=%d", w.who.Generation))
	child, err = w.gen.Spawner.Spawn(c)
	return child, c.Args[0], c.Cgroup, err
}

// await returns true when c is closed, and false when the worker is not wanted any more.
func (w *Worker) await(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	case <-w.inputs.retire:
	case <-w.inputs.kill:
	}
	return false
}

// size returns the resident size of the process in bytes; 0: unknown.
func (w *Worker) size() int64 {
	if p, ok := w.inc.Child.Process.(interface{ RSS() int64 }); ok {
		return p.RSS()
	}
	return 0
}

// readRSS returns the resident size of the process in bytes, and counts the kernel's kills; 0: unknown.
func (w *Worker) readRSS() int64 {
	w.mu.Lock()
	inc, oom := w.inc, w.oom
	w.mu.Unlock()
	if oom != nil {
		n := oom.Count() // a file: not under the pool's lock
		w.mu.Lock()
		oom.Look(n)
		w.mu.Unlock()
	}
	if inc == nil {
		return 0
	}
	return w.size()
}

// oomHappened reports whether the kernel killed it for lack of memory.
func (w *Worker) oomHappened(e process.Exit, ours bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.oom.Happened(e, ours)
}

// neverStarted reports a worker without a process.
func (w *Worker) neverStarted(err error) {
	e := BootFailure{Who: w.who, Err: err}
	if f := (*templateFailure)(nil); errors.As(err, &f) && f.err != errStopped {
		e.Failed, e.Err, e.Stacks, e.Output, e.Outside = f.failed, f.err, f.stacks, f.output, f.outside
		w.outside = f.outside
	}
	w.bootFailed(e)
}
