package supervisor

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/standpipe/standpipe/shim"
)

// Pool is the slots of one app and the line of requests that wait for them.
type Pool struct {
	opts    Options       // App, Events
	stop    chan struct{} // closed by Stop and Kill: no further worker is started
	reloads chan struct{} // capacity 1: held by the reload that is under way
	done    sync.WaitGroup

	mu        sync.Mutex
	gen       *generation // that serves; what its Options say about the pool counts
	next      *generation // of a reload that has not succeeded yet; nil: none
	numbers   int         // of generations, so far
	slots     []*slot     // by number; a slot that was closed is not here any more
	workers   []*Worker   // all that have or may have a process
	templates []*template // that have a process
	able      []*Worker   // those that take requests
	dues      []due       // workers that are to be replaced, and may not yet
	recycling int         // slots that replace a worker for its age or size
	line      line
	changes   broadcast // what Retire and Restart wait for
	clock     int64     // counts what becomes free
	used      int       // the most places that were taken at a time since the scaler looked
	idleSince time.Time
	everUp    bool
	paused    bool
	resumed   time.Time // when the last pause ended, or the last gap of StopFirst
	unserved  time.Time // since when no worker takes requests; zero: one does, or none has yet
	bootsFail bool      // since then a boot has ended without a worker that does
	started   bool
	stopping  bool
	ending    Reason    // of its workers' end, when it is stopping
	until     time.Time // the end of the stop budget, when it is stopping; zero: there is none
	killing   bool
	regen     chan struct{}      // capacity 1: gen is another one
	pulse     chan chan struct{} // somebody asks whether keep runs
	failure   *BootFailure       // the last one; nil after a Ready
	turned    refusals
	count     Counts

	up, down chan struct{} // closed at the first Ready; at the first failure before it
	downOnce sync.Once
}

// New returns a pool that has not been started.
func New(o Options) *Pool {
	return &Pool{opts: o, gen: newGeneration(o, 1), numbers: 1, stop: make(chan struct{}), reloads: make(chan struct{}, 1), regen: make(chan struct{}, 1),
		pulse: make(chan chan struct{}),
		up:    make(chan struct{}), down: make(chan struct{})}
}

// App returns the name of the app.
func (p *Pool) App() string { return p.opts.App }

// Start starts the slots. Stop must be called.
func (p *Pool) Start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started = true
	p.idleSince = time.Now()
	p.resize(p.gen.Workers)
	p.done.Go(p.keep)
}

// Up is closed when a worker has been ready once.
func (p *Pool) Up() <-chan struct{} { return p.up }

// Down is closed when boots have failed, none is under way, and no worker has
// been ready. The pool goes on trying.
func (p *Pool) Down() <-chan struct{} { return p.down }

// Failure returns the last boot failure; nil when the last boot succeeded.
func (p *Pool) Failure() *BootFailure {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failure
}

func (p *Pool) emit(e Event) {
	if p.opts.Events != nil {
		p.opts.Events(e)
	}
}

// Acquire returns an exchange with a worker, after waiting in line for one if
// need be. A Label whose Attempt is above 1 goes to the front of the line. The
// refusals are shim.ErrQueueFull (as *shim.QueueFull), ErrQueueTimeout,
// ErrNoWorkers and ErrStopping; otherwise ctx's error. Whoever gets the exchange
// closes it.
func (p *Pool) Acquire(ctx context.Context, l shim.Label) (*shim.Exchange, error) {
	for again := l.Attempt > 1; ; again = true {
		w, err := p.acquire(ctx, again)
		if err != nil {
			return nil, err
		}
		x, err := w.conn.Open(l)
		if err == nil {
			return x, nil
		}
		// It died between the two; its place dies with it.
		p.leave(w)
		p.free(w, false, 0)
	}
}

func (p *Pool) acquire(ctx context.Context, again bool) (*Worker, error) {
	p.mu.Lock()
	if p.line.len() == 0 || again {
		if w := p.pick(again); w != nil {
			p.take(w)
			p.mu.Unlock()
			return w, nil
		}
	}
	p.rouse()
	if err := p.refusal(); err != nil && !(again && errors.Is(err, shim.ErrQueueFull)) {
		p.mu.Unlock()
		p.refused(err)
		return nil, err
	}
	q := p.line.add(again)
	p.mu.Unlock()

	defer p.line.free(q)
	var err error
	p.mu.Lock()
	limit := p.gen.QueueTimeout
	p.mu.Unlock()
	overdue := q.timeout(limit)
	for err == nil {
		select {
		case e := <-q.end:
			return e.worker, e.err
		case <-ctx.Done():
			err = ctx.Err()
		case <-overdue:
			if more := p.patience(limit); more > 0 {
				overdue = q.timeout(more)
			} else {
				err = shim.ErrQueueTimeout
			}
		}
	}
	p.mu.Lock()
	removed := p.line.remove(q)
	if removed {
		p.line.ended(true)
		p.changes.tell()
	}
	p.mu.Unlock()
	if removed {
		p.refused(err)
		return nil, err
	}
	// Somebody answered it in the same moment.
	e := <-q.end
	if e.worker != nil && ctx.Err() != nil {
		p.free(e.worker, false, 0)
		return nil, ctx.Err()
	}
	return e.worker, e.err
}

// Admit returns the refusal that Acquire would return at once, or nil. It is
// asked before a request's body is read.
func (p *Pool) Admit() error {
	p.mu.Lock()
	var err error
	if p.pick(false) == nil {
		p.rouse()
		err = p.refusal()
	}
	p.mu.Unlock()
	p.refused(err)
	return err
}

// refusal says why a request may not wait. mu is held.
func (p *Pool) refusal() error {
	switch {
	case p.stopping:
		return shim.ErrStopping
	case p.hopeless():
		return shim.ErrNoWorkers
	case p.gen.Queue > 0 && p.line.len() >= p.gen.Queue:
		return p.full()
	}
	return nil
}

// hopeless: no worker is up, and the last boot failed. A pool that sleeps is not:
// the next request wakes it. mu is held.
func (p *Pool) hopeless() bool { return len(p.able) == 0 && p.failure != nil && len(p.slots) > 0 }

// pick returns the worker for the next request: the least busy, and among these
// the longest idle, or, where the pool may shrink, the one in the lowest slot, so
// that the high ones fall idle; nil: all are busy, or the pool is paused. Where none
// is idle, a busy one may do, except for a request that has waited before (again).
// mu is held.
func (p *Pool) pick(again bool) *Worker {
	if p.paused {
		return nil
	}
	var best *Worker
	var now time.Time
	low := p.gen.shrinks()
	for _, w := range p.able {
		switch {
		case w.inFlight >= w.gen.Threads && (again || best != nil && best.inFlight < w.inFlight || !w.takesMore(&now)):
		case best == nil || w.inFlight < best.inFlight:
			best = w
		case w.inFlight > best.inFlight:
		case low && w.slot < best.slot, !low && w.freed < best.freed:
			best = w
		}
	}
	return best
}

// take gives a place in w away. mu is held.
func (p *Pool) take(w *Worker) {
	w.inFlight++
	if p.gen.shrinks() {
		p.used, p.idleSince = max(p.used, p.running()), time.Now()
	}
}

// free gives a place in w back, after a request that was served, and ran so long, or
// was not; the first of the line gets it.
func (p *Pool) free(w *Worker, served bool, ran time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.inFlight--
	if served {
		w.gen.pace.ran(ran, w.served == 0)
		w.served++
		p.count.Served++
		if w.most > 0 && w.served >= w.most && w.serving {
			p.isDue(w, MaxRequests)
		}
	}
	p.clock++
	w.freed = p.clock
	p.changes.tell()
	if w.serving {
		p.serveLine()
	} else if w.inFlight <= w.givenUp {
		offer(w.inputs.freed, struct{}{})
	}
}

// giveUp counts requests of w that nobody waits for any more. Freed may overtake
// Expired: the sum is right when both have come.
func (p *Pool) giveUp(w *Worker, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.givenUp += n
}

// viewOf returns what the machine of w is to know.
func (p *Pool) viewOf(w *Worker) view {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.view(w.gen.TermGrace)
	v.inFlight, v.wanted = w.inFlight, max(w.inFlight-w.givenUp, 0)
	return v
}

// view returns what each machine is to know; SIGTERM is due grace before the end of the stop budget. mu is held.
func (p *Pool) view(grace time.Duration) view {
	v := view{stopping: p.stopping}
	if p.stopping && !p.until.IsZero() {
		v.stopEnd = p.until.Add(-grace - killMargin)
	}
	return v
}

// serveLine gives free places to those who wait. mu is held.
func (p *Pool) serveLine() {
	for p.line.len() > 0 {
		w := p.pick(p.line.firstAgain())
		if w == nil {
			return
		}
		p.take(w)
		p.line.ended(false)
		p.line.next().end <- end{worker: w}
	}
}

// join adds a worker that is ready.
func (p *Pool) join(w *Worker) (count, of int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.serving = true
	p.idleSince = time.Now()
	p.clock++
	w.freed = p.clock
	if p.replacing() {
		p.resumed = p.idleSince
	}
	p.able = append(p.able, w)
	p.changes.tell()
	p.unserved, p.bootsFail = time.Time{}, false
	if !p.everUp {
		p.everUp = true
		close(p.up)
	}
	p.serveLine()
	return len(p.able), len(p.slots)
}

// leave takes a worker out of service and returns how many requests it still
// runs. What it has not begun with is taken back. It may be called more than once.
func (p *Pool) leave(w *Worker) (inFlight int) {
	p.mu.Lock()
	served := w.serving
	if w.serving {
		w.serving = false
		p.able = slices.DeleteFunc(p.able, func(o *Worker) bool { return o == w })
		if len(p.able) == 0 {
			p.unserved = time.Now()
		}
		if p.hopeless() {
			p.line.refuse(shim.ErrNoWorkers)
		}
	}
	inFlight = w.inFlight
	p.mu.Unlock()
	if served {
		w.conn.Recall()
	}
	return inFlight
}

// lastOutput is how long the end of a dead worker's output is waited for.
func (p *Pool) lastOutput() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killing { // the stop's time is over
		return 100 * time.Millisecond
	}
	return time.Second
}

// seat enters a worker that is about to be started. It returns false when the pool
// is stopping or the worker is not wanted any more.
func (p *Pool) seat(w *Worker, quit <-chan struct{}) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-quit:
		return false
	default:
	}
	if p.stopping {
		return false
	}
	p.workers = append(p.workers, w)
	p.count.Started++
	return true
}

// unseat forgets a worker that has ended.
func (p *Pool) unseat(w *Worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.workers = slices.DeleteFunc(p.workers, func(o *Worker) bool { return o == w })
	p.sweep()
}
