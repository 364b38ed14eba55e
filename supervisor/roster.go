package supervisor

import (
	"slices"

	"github.com/standpipe/standpipe/shim"
)

// roster has all workers that have or may have a process.
type roster struct {
	*core
	templates *templates

	workers []*Worker // under mu
}

// enlist enters a worker that is about to be started; false: the pool stops, or the worker is not wanted any more.
func (r *roster) enlist(w *Worker, quit <-chan struct{}) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-quit:
		return false
	default:
	}
	if r.stopping {
		return false
	}
	r.workers = append(r.workers, w)
	w.gen.live++
	r.count.Started++
	return true
}

// dismiss forgets a worker that has ended.
func (r *roster) dismiss(w *Worker) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.workers = slices.DeleteFunc(r.workers, func(o *Worker) bool { return o == w })
	w.gen.live--
	r.templates.sweep()
}

// busy reports whether a worker runs a request. mu is held.
func (r *roster) busy() bool {
	return slices.ContainsFunc(r.workers, func(w *Worker) bool { return w.inFlight > 0 })
}

// all returns the workers.
func (r *roster) all() []*Worker {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.workers)
}

// busyWorkers returns the workers that run a request.
func (r *roster) busyWorkers() []BusyWorker {
	r.mu.Lock()
	var names []string
	var conns []*shim.Conn
	for _, w := range r.workers {
		if w.inFlight > 0 {
			names, conns = append(names, w.who.Worker), append(conns, w.conn)
		}
	}
	r.mu.Unlock()
	list := make([]BusyWorker, 0, len(names))
	for i, c := range conns {
		list = append(list, BusyWorker{names[i], c.InFlight()})
	}
	return list
}

// retire has all workers leave, those of closed slots too. mu is held.
func (r *roster) retire(why Reason) {
	for _, w := range r.workers {
		offer(w.inputs.retire, why)
	}
	r.templates.sweep()
}

// kill sends SIGKILL to all workers and templates. mu is held.
func (r *roster) kill() {
	for _, w := range r.workers {
		close(w.inputs.kill)
	}
	r.templates.kill()
}
