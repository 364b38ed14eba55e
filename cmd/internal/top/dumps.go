package top

import (
	"strings"
	"time"
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
	shown  bool // below the worker
	asked  bool // no answer yet
	at     time.Time
	stacks string
	line   string // of Python
	err    string
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

// keep forgets workers that do not exist any more.
func (d *dumps) keep(exists func(string) bool) {
	for name, w := range d.workers {
		if !w.asked && !exists(name) {
			delete(d.workers, name)
		}
	}
}

// answer takes one.
func (d *dumps) answer(e Dumped) {
	w := d.of(e.Worker)
	w.asked, w.at, w.stacks, w.err = false, e.At, e.Stacks, e.Err
	w.line = pythonLine(e.Stacks)
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

// pythonLine is the innermost line of the app's own code in stacks: of the thread of the request where one is marked,
// else of the main thread. Files of the app are relative; others have an absolute path.
func pythonLine(stacks string) string {
	var thread []string
	best := -1
	rank := func(head string) int {
		switch {
		case strings.HasSuffix(head, ", of this request"):
			return 2
		case strings.Contains(head, "(MainThread)"):
			return 1
		}
		return 0
	}
	var now []string
	level := 0
	flush := func() {
		if len(now) > 0 && level > best {
			best, thread = level, now
		}
	}
	for _, l := range strings.Split(stacks, "\n") {
		switch {
		case strings.HasPrefix(l, "thread "):
			flush()
			now, level = nil, rank(l)
		case strings.HasPrefix(l, "  "):
			now = append(now, strings.TrimSpace(l))
		}
	}
	flush()
	for i := len(thread) - 1; i >= 0; i-- {
		if own(thread[i]) {
			return thread[i]
		}
	}
	if len(thread) > 0 {
		return thread[len(thread)-1]
	}
	return ""
}

func own(line string) bool {
	return line != "" && line[0] != '/' && line[0] != '<' && !strings.Contains(line, "site-packages") && !strings.Contains(line, "dist-packages")
}
