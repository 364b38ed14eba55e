package supervisor

import (
	"errors"
	"slices"
	"time"

	"github.com/standpipe/standpipe/supervisor/process"
)

// templates are the processes that fork the workers of a preloaded app, one for each generation.
type templates struct {
	*core
	list []*template // under mu; those that have a process
}

// fork has a worker forked by the template of its generation, and starts the template if there is none. errStopped: the worker
// is not wanted any more.
func (ts *templates) fork(w *Worker) (*process.Child, *template, error) {
	for try := 1; ; try++ {
		t := ts.of(w.gen)
		if t == nil || !w.await(t.up) {
			return nil, nil, errStopped
		}
		if t.failure != nil {
			return nil, nil, t.failure
		}
		child, err := ts.order(t, w)
		if err == nil {
			return child, t, nil
		}
		if !errors.Is(err, process.ErrNoTemplate) {
			return nil, nil, err
		}
		offer(t.inputs.broken, err)
		if !w.await(t.gone) {
			return nil, nil, errStopped
		}
		if t.outside { // that says nothing about the code
			try--
		}
		if try == 2 {
			return nil, nil, err
		}
	}
}

// order gives a template the order to fork, one at a time.
func (ts *templates) order(t *template, w *Worker) (*process.Child, error) {
	select {
	case t.ordering <- struct{}{}:
	default:
		select {
		case t.ordering <- struct{}{}:
		case <-w.inputs.retire:
			return nil, errStopped
		case <-w.inputs.kill:
			return nil, errStopped
		}
	}
	child, err := t.forker.Fork(w.gen.BootTimeout)
	<-t.ordering
	if err == nil {
		ts.mu.Lock()
		t.forks++
		ts.mu.Unlock()
	}
	return child, err
}

// of returns the template of gen, and starts one if there is none; nil: the pool stops.
func (ts *templates) of(gen *generation) *template {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if gen.template == nil && !ts.stopping {
		t := newTemplate(ts, gen)
		gen.template = t
		ts.list = append(ts.list, t)
		ts.done.Go(t.run) // a slot waits for the worker that asks, so no goroutine has waited to the end yet
	}
	return gen.template
}

// sweep ends the templates that no worker can need any more. mu is held.
func (ts *templates) sweep() {
	for _, t := range ts.list {
		switch {
		case !ts.stopping && (t.gen == ts.gen || t.gen == ts.next), t.gen.live > 0:
		case ts.stopping:
			offer(t.inputs.retire, Shutdown)
		default:
			offer(t.inputs.retire, Reload)
		}
	}
}

// forget takes a template out of use: the next worker starts another one.
func (ts *templates) forget(t *template) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t.gen.template == t {
		t.gen.template = nil
	}
	ts.list = slices.DeleteFunc(ts.list, func(o *template) bool { return o == t })
}

// kill sends SIGKILL to all templates. mu is held.
func (ts *templates) kill() {
	for _, t := range ts.list {
		close(t.inputs.kill)
	}
}

// infos returns what the templates are doing, the oldest first.
func (ts *templates) infos() []TemplateInfo {
	ts.mu.Lock()
	infos := make([]TemplateInfo, 0, len(ts.list))
	for _, t := range ts.list {
		infos = append(infos, TemplateInfo{Who: t.who, Ready: t.isUp, Up: time.Since(t.started).Round(time.Millisecond), Forks: t.forks})
	}
	ts.mu.Unlock()
	for i := range infos {
		infos[i].PSS = process.PSS(infos[i].Pid)
	}
	return infos
}
