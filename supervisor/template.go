package supervisor

import (
	"errors"
	"slices"
	"time"

	"github.com/standpipe/standpipe/shim/wire"
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

	inputs *inputs
	up     chan struct{} // closed when it takes orders, or when it never will: failure
	order  chan struct{} // capacity 1: held by the worker that gives an order
	gone   chan struct{} // closed when the process was reaped

	program string
	leaf    *process.Cgroup // that it lives in, and its workers; nil: ours
	forker  *process.Forker
	started time.Time
	failure *templateFailure // read after up; nil: it takes orders
	outside bool             // a signal from outside ended it; read after gone

	// Under pool.mu:
	inc   *process.Incarnation
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
		case t.order <- struct{}{}:
		default:
			select {
			case t.order <- struct{}{}:
			case <-w.inputs.retire:
				return nil, "", nil, errStopped
			case <-w.inputs.kill:
				return nil, "", nil, errStopped
			}
		}
		child, err := t.forker.Fork(w.gen.BootTimeout)
		<-t.order
		if err == nil {
			p.mu.Lock()
			t.forks++
			p.mu.Unlock()
			return child, t.program, t.leaf, nil
		}
		if !errors.Is(err, process.ErrNoTemplate) {
			return nil, "", nil, err
		}
		offer(t.inputs.broken, err)
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

// templateOf returns the template of gen, and starts one if there is none; nil:
// the pool is stopping.
func (p *Pool) templateOf(gen *generation) *template {
	p.mu.Lock()
	defer p.mu.Unlock()
	if gen.template == nil && !p.stopping {
		t := &template{
			pool: p, gen: gen, who: Who{App: p.opts.App, Worker: p.opts.App + "/template", Generation: gen.number},
			inputs: newInputs(0), up: make(chan struct{}), order: make(chan struct{}, 1), gone: make(chan struct{}), started: time.Now(),
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
				offer(t.inputs.retire, Shutdown)
			} else {
				offer(t.inputs.retire, Reload)
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
