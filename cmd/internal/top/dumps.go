package top

import (
	"time"

	"github.com/standpipe/standpipe/cmd/internal/admin"
)

const (
	// dumpEvery is how often a worker whose line is shown is asked again; to answer costs it about a millisecond.
	dumpEvery = 2 * time.Second
	dumpsMost = 64 // workers that are shown with their lines
)

// dumps are the stacks of workers.
type dumps struct {
	all     bool // lines of all workers that are busy are shown
	workers map[string]*dump
}

// dump is that of one worker.
type dump struct {
	shown   bool // below the worker
	asked   bool // no answer yet
	at      time.Time
	threads []thread
	line    string // of Python
	err     string
}

func (d *dumps) of(worker string) *dump {
	if d.workers == nil {
		d.workers = map[string]*dump{}
	}
	if d.workers[worker] == nil {
		d.workers[worker] = &dump{}
	}
	return d.workers[worker]
}

// shows says whether a worker is shown with its line of Python.
func (d *dumps) shows(name string, w *admin.Worker) bool {
	return d.of(name).shown || d.all && len(w.Requests) > 0
}

// keep forgets workers that do not exist any more.
func (d *dumps) keep(exists func(string) bool) {
	for name, w := range d.workers {
		if !w.asked && !exists(name) {
			delete(d.workers, name)
		}
	}
}

// answer takes one. folder is that of the app.
func (d *dumps) answer(e Dumped, folder string) {
	w := d.of(e.Worker)
	w.asked, w.at, w.threads, w.err = false, e.At, readStacks(e.Stacks, folder), e.Err
	w.line = busiest(w.threads)
}

// ask asks a worker, unless its answer is awaited or new.
func (d *dumps) ask(worker string, now time.Time, again bool) []Action {
	w := d.of(worker)
	if w.asked || !again && now.Sub(w.at) < dumpEvery {
		return nil
	}
	w.asked = true
	return []Action{Dump{worker}}
}
