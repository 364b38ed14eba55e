package supervisor

import (
	"time"

	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor/process"
)

// template is a process that has imported the app of one generation, and makes its
// workers by fork (Options.Preload). It is used once: when it has died, the next
// worker that is to be started starts another one, which imports the app again.
//
// Its run ends with the process, which outlives the last worker of a generation
// that does not serve any more: until then a worker that dies is to be replaced.
type template struct {
	*core
	gen  *generation
	who  Who
	home *templates

	inputs   *inputs
	up       chan struct{} // closed when it takes orders, or when it never will: failure
	ordering chan struct{} // capacity 1: held by the worker that gives an order
	gone     chan struct{} // closed when the process was reaped

	program string
	leaf    *process.Cgroup // that it lives in, and its workers; nil: ours
	forker  *process.Forker
	started time.Time
	failure *templateFailure // read after up; nil: it takes orders
	outside bool             // a signal from outside ended it; read after gone

	// Under mu:
	inc   *process.Incarnation
	isUp  bool
	forks int
}

func newTemplate(home *templates, gen *generation) *template {
	return &template{
		core: home.core, gen: gen, home: home, who: Who{App: home.app, Worker: home.app + "/template", Generation: gen.number},
		inputs: newInputs(0), up: make(chan struct{}), ordering: make(chan struct{}, 1), gone: make(chan struct{}), started: time.Now(),
	}
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
