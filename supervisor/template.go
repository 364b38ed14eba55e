package supervisor

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor/output"
	"github.com/standpipe/standpipe/supervisor/process"
)

// template is a process that has imported the app of one generation, and makes its
// workers by fork (Options.Preload). It is used once: when it has died, the next
// worker that is to be started starts another one, which imports anew.
//
// Its run ends with the process, which outlives the last worker of a generation
// that does not serve any more: until then a worker that dies is to be replaced.
type template struct {
	pool *Pool
	gen  *generation
	who  Who

	hello  chan *wire.Hello  // capacity 1
	ready  chan *wire.Ready  // capacity 1
	failed chan *wire.Failed // capacity 1
	stacks *output.Stacks
	leave  chan leave    // capacity 1
	kill   chan struct{} // closed by Pool.Kill

	up   chan struct{} // closed when it takes orders, or when it never will: failure
	turn chan struct{} // capacity 1: held by who gives an order
	gone chan struct{} // closed when the process has been reaped

	program string
	leaf    *process.Cgroup // that it lives in, and its workers; nil: ours
	child   *process.Child
	conn    *shim.Conn
	forker  *process.Forker
	started time.Time
	failure *templateFailure // read after up; nil: it takes orders
	outside bool             // a signal from outside ended it; read after gone

	mu   sync.Mutex
	tail output.Tail

	// Under pool.mu:
	isUp  bool
	forks int
}

// templateFailure is why a template never took orders.
type templateFailure struct {
	failed *wire.Failed
	err    error
	stacks string
	output string
	// outside: a signal from outside ended it.
	outside bool
}

func (e *templateFailure) Error() string { return e.err.Error() }

func (e *templateFailure) Unwrap() error { return e.err }

// fork has a worker forked by the template of its generation, which is started
// if there is none. It returns errStopped when the worker is not wanted any more.
func (p *Pool) fork(w *Worker) (*process.Child, string, *process.Cgroup, error) {
	for try := 1; ; try++ {
		t := p.templateOf(w.gen)
		if t == nil {
			return nil, "", nil, errStopped
		}
		if !w.await(t.up) {
			return nil, "", nil, errStopped
		}
		if t.failure != nil {
			return nil, "", nil, t.failure
		}
		select {
		case t.turn <- struct{}{}:
		default:
			select {
			case t.turn <- struct{}{}:
			case <-w.retire:
				return nil, "", nil, errStopped
			case <-w.kill:
				return nil, "", nil, errStopped
			}
		}
		child, err := t.forker.Fork(w.gen.BootTimeout)
		<-t.turn
		if err == nil {
			p.mu.Lock()
			t.forks++
			p.mu.Unlock()
			return child, t.program, t.leaf, nil
		}
		if !errors.Is(err, process.ErrNoTemplate) {
			return nil, "", nil, err
		}
		t.end(ProtocolError, err)
		if !w.await(t.gone) {
			return nil, "", nil, errStopped
		}
		if t.outside { // that says nothing about the code
			try--
		}
		if try == 2 {
			return nil, "", nil, err
		}
	}
}

// await returns true when c is closed, and false when the worker is not wanted any
// more.
func (w *Worker) await(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	case <-w.retire:
	case <-w.kill:
	}
	return false
}

// templateOf returns the template of gen, and starts one if there is none; nil:
// the pool is stopping.
func (p *Pool) templateOf(gen *generation) *template {
	p.mu.Lock()
	defer p.mu.Unlock()
	if gen.template == nil && !p.stopping {
		t := &template{
			pool: p, gen: gen, who: Who{App: p.opts.App, Worker: p.opts.App + "/template", Generation: gen.number},
			hello: make(chan *wire.Hello, 1), ready: make(chan *wire.Ready, 1), failed: make(chan *wire.Failed, 1),
			stacks: output.NewStacks(), leave: make(chan leave, 1), kill: make(chan struct{}),
			up: make(chan struct{}), turn: make(chan struct{}, 1), gone: make(chan struct{}), started: time.Now(),
		}
		gen.template = t
		p.templates = append(p.templates, t)
		p.done.Go(t.run) // a slot waits for the worker that asks, so nobody has waited to the end yet
	}
	return gen.template
}

// sweep ends the templates that nobody can need any more. mu is held.
func (p *Pool) sweep() {
	for _, t := range p.templates {
		if t.gen == p.gen && !p.stopping || t.gen == p.next && !p.stopping {
			continue
		}
		if !slices.ContainsFunc(p.workers, func(w *Worker) bool { return w.gen == t.gen }) {
			if p.stopping {
				t.end(Shutdown, nil)
			} else {
				t.end(Reload, nil)
			}
		}
	}
}

// forget takes the template out of use: the next worker starts another one.
func (p *Pool) forget(t *template) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.gen.template == t {
		t.gen.template = nil
	}
	p.templates = slices.DeleteFunc(p.templates, func(o *template) bool { return o == t })
}

// leave is an order to a template to end.
type leave struct {
	why Reason
	err error // of a ProtocolError: it is killed
}

// end has the template leave.
func (t *template) end(why Reason, err error) { offer(t.leave, leave{why, err}) }

// run starts the process, and returns when it is reaped.
func (t *template) run() {
	defer close(t.gone)
	c, err := t.gen.Command()
	if err == nil {
		t.program, t.leaf = c.Args[0], c.Cgroup
		c.Args = t.who.titled(c.Args)
		t.pool.runs(t.gen, c)
		c.Env = append(append([]string(nil), c.Env...), "STANDPIPE_TEMPLATE=1", fmt.Sprintf("STANDPIPE_GENERATION=%d", t.gen.number))
		err = t.spawn(c)
	}
	if err != nil {
		t.pool.forget(t)
		t.failure = &templateFailure{err: err}
		close(t.up)
		return
	}
	t.pool.emit(TemplateStarted{t.who})

	var wg sync.WaitGroup
	connDone := make(chan error, 1)
	exit := make(chan process.Exit, 1)
	outputDone := make(chan struct{})
	wg.Go(func() { connDone <- t.conn.Run() })
	wg.Go(func() { exit <- t.child.Wait() })
	wg.Go(func() {
		defer close(outputDone)
		output.Read(t.child.Output, "", func() string { return "" }, t.output)
	})
	if t.child.Stacks != nil {
		wg.Go(func() { t.stacks.Follow(t.child.Stacks) })
	}
	l := templateLife{template: t, connDone: connDone, exit: exit}
	ended := l.live()
	t.outside = l.reason == None && ended.FromOutside(l.killed)
	t.pool.forget(t)
	t.forker.Close() // an order that waits for its answer gets process.ErrNoTemplate
	if !l.connEnded {
		select {
		case <-connDone:
		case <-time.After(200 * time.Millisecond):
		}
	}
	t.conn.Close()
	select {
	case <-outputDone:
	case <-time.After(t.pool.lastOutput()):
	}
	t.child.Output.Close()
	if t.child.Stacks != nil {
		t.child.Stacks.Close()
	}
	t.child.Release()
	wg.Wait()

	if !l.isUp {
		t.fail(&l, ended)
	}
	t.pool.mu.Lock()
	forks := t.forks
	t.pool.mu.Unlock()
	t.pool.emit(TemplateExit{
		Who: t.who, Reason: l.reason, Exit: ended, Ours: ended.Signal > 0 && l.killed,
		Up: time.Since(t.started).Round(time.Millisecond), Forks: forks, Err: l.err,
	})
}

func (t *template) spawn(c process.Command) error {
	child, err := t.gen.Spawner.Spawn(c)
	if err != nil {
		return err
	}
	forker, err := process.NewForker(child.Ends.Control, c)
	if err != nil {
		_ = child.Signal(process.Kill)
		child.Wait()
		child.Ends.R.Close()
		child.Ends.W.Close()
		child.Output.Close()
		if child.Stacks != nil {
			child.Stacks.Close()
		}
		child.Release()
		return err
	}
	ends := child.Ends
	ends.Control = nil // the forker's
	t.pool.mu.Lock()
	defer t.pool.mu.Unlock()
	t.child, t.forker, t.conn = child, forker, shim.NewConn(t.who.Worker, ends, t)
	t.who.Pid = child.Pid()
	return nil
}

// fail says why it never took orders.
func (t *template) fail(l *templateLife, e process.Exit) {
	f := &templateFailure{failed: l.failed, err: l.err, stacks: l.stuck}
	select {
	case m := <-t.failed: // waitpid was faster than its last frame
		f.failed = m
	default:
	}
	switch {
	case f.failed != nil:
		f.err = f.failed
		l.reason = BootFailed
	case l.reason == Shutdown, l.reason == Reload:
		f.err = errStopped
	case f.err != nil:
	case e.Signal > 0:
		f.err = fmt.Errorf("%s was ended by signal %d (%s) before the app was loaded", t.program, e.Signal, e.SignalName)
		f.outside = e.FromOutside(l.killed)
	default:
		f.err = fmt.Errorf("%s ended with status %d before the app was loaded", t.program, e.Code)
	}
	t.mu.Lock()
	f.output = t.tail.String()
	t.mu.Unlock()
	t.failure = f
	close(t.up)
}

func (t *template) output(_, level, text string) {
	t.mu.Lock()
	t.tail.Add(text)
	t.mu.Unlock()
	t.pool.emit(Output{Who: t.who, Level: level, Text: text})
}

// What its Conn tells, on the Conn's goroutines.

// Noise: output that came before the nonce.
func (t *template) Noise(p []byte) {
	output.Split(p, func(text string) { t.output("", "", text) })
}

// Hello hands on to run.
func (t *template) Hello(m *wire.Hello) { offer(t.hello, m) }

// Ready hands on to run.
func (t *template) Ready(m *wire.Ready) { offer(t.ready, m) }

// Failed hands on to run.
func (t *template) Failed(m *wire.Failed) { offer(t.failed, m) }

// Log hands on to the events.
func (t *template) Log(_ *shim.Label, r *wire.LogRecord) { t.pool.emit(ShimLog{t.who, nil, r}) }

// Stacks, Freed and Expired are never called: it has no control socket, and no
// exchange is opened on it.
func (t *template) Stacks(string) {}

// Freed does nothing.
func (t *template) Freed(*shim.Exchange, shim.Outcome) {}

// Expired does nothing.
func (t *template) Expired(*shim.Exchange, shim.Cause, string) {}

// Stuck cannot come: a template serves nothing.
func (t *template) Stuck(int) {}
