package supervisor

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/standpipe/standpipe/shim"
)

// Pool is the slots of one app and the line of requests that wait for them.
type Pool struct {
	opts Options
	gate *gate
	stop chan struct{} // closed by Stop and Kill: no further worker is started
	done sync.WaitGroup

	mu       sync.Mutex
	seats    []*Worker // by slot; nil: empty at the moment
	line     line
	clock    int64 // counts what becomes free
	ready    int   // workers that take requests
	everUp   bool
	stopping bool
	killing  bool
	failure  *BootFailure // the last one; nil after a Ready
	turned   refusals

	up, down chan struct{} // closed at the first Ready; at the first failure before it
	downOnce sync.Once
}

// New returns a pool that has not been started.
func New(o Options) *Pool {
	if o.Spawner == nil {
		o.Spawner = Exec{}
	}
	o.Workers = max(o.Workers, 1)
	o.Threads = max(o.Threads, 1)
	o.Boot.Threads = o.Threads
	return &Pool{opts: o, gate: newGate(o.BootLimit), stop: make(chan struct{}),
		seats: make([]*Worker, o.Workers), up: make(chan struct{}), down: make(chan struct{})}
}

// App returns the name of the app.
func (p *Pool) App() string { return p.opts.App }

// Start starts the slots. Stop must be called.
func (p *Pool) Start() {
	for i := range p.seats {
		s := &slot{pool: p, number: i}
		p.done.Go(s.run)
	}
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
		p.free(w, false)
	}
}

func (p *Pool) acquire(ctx context.Context, again bool) (*Worker, error) {
	p.mu.Lock()
	if p.line.len() == 0 || again {
		if w := p.pick(); w != nil {
			w.inFlight++
			p.mu.Unlock()
			return w, nil
		}
	}
	if err := p.refusal(); err != nil && !(again && errors.Is(err, shim.ErrQueueFull)) {
		p.mu.Unlock()
		p.refused(err)
		return nil, err
	}
	q := p.line.add(again)
	p.mu.Unlock()

	defer p.line.free(q)
	var err error
	select {
	case e := <-q.end:
		return e.worker, e.err
	case <-ctx.Done():
		err = ctx.Err()
	case <-q.timeout(p.opts.QueueTimeout):
		err = shim.ErrQueueTimeout
	}
	p.mu.Lock()
	removed := p.line.remove(q)
	p.mu.Unlock()
	if removed {
		p.refused(err)
		return nil, err
	}
	// Somebody answered it in the same moment.
	e := <-q.end
	if e.worker != nil && ctx.Err() != nil {
		p.free(e.worker, false)
		return nil, ctx.Err()
	}
	return e.worker, e.err
}

// Admit returns the refusal that Acquire would return at once, or nil. It is
// asked before a request's body is read.
func (p *Pool) Admit() error {
	p.mu.Lock()
	var err error
	if p.pick() == nil {
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
	case p.opts.Queue > 0 && p.line.len() >= p.opts.Queue:
		return p.full()
	}
	return nil
}

// hopeless: no worker is up, and the last boot failed. mu is held.
func (p *Pool) hopeless() bool { return p.ready == 0 && p.failure != nil }

// pick returns the worker for the next request: the least busy, and among these
// the longest idle; nil: all are busy. mu is held.
func (p *Pool) pick() *Worker {
	var best *Worker
	for _, w := range p.seats {
		if w == nil || !w.serving || w.inFlight >= p.opts.Threads {
			continue
		}
		if best == nil || w.inFlight < best.inFlight || w.inFlight == best.inFlight && w.freed < best.freed {
			best = w
		}
	}
	return best
}

// free gives a place in w back, after a request that was served or was not; the
// first of the line gets it.
func (p *Pool) free(w *Worker, served bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.inFlight--
	if served {
		w.served++
	}
	p.clock++
	w.freed = p.clock
	if w.serving {
		p.serveLine()
	} else if w.inFlight <= w.givenUp {
		offer(w.idle, struct{}{})
	}
}

// giveUp counts requests of w that nobody waits for any more. Freed may overtake
// Expired: the sum is right when both have come.
func (p *Pool) giveUp(w *Worker, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.givenUp += n
}

// load returns how many requests w runs, and for how many of them somebody waits.
func (p *Pool) load(w *Worker) (inFlight, wanted int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return w.inFlight, max(w.inFlight-w.givenUp, 0)
}

// serveLine gives free places to those who wait. mu is held.
func (p *Pool) serveLine() {
	for p.line.len() > 0 {
		w := p.pick()
		if w == nil {
			return
		}
		w.inFlight++
		p.line.first().end <- end{worker: w}
	}
}

// join adds a worker that is ready.
func (p *Pool) join(w *Worker) (count, of int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.serving = true
	p.clock++
	w.freed = p.clock
	p.ready++
	if !p.everUp {
		p.everUp = true
		close(p.up)
	}
	p.serveLine()
	return p.ready, len(p.seats)
}

// leave takes a worker out of service and returns how many requests it still
// runs. It may be called more than once.
func (p *Pool) leave(w *Worker) (inFlight int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w.serving {
		w.serving = false
		p.ready--
		if p.hopeless() {
			p.line.refuse(shim.ErrNoWorkers)
		}
	}
	return w.inFlight
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

func (p *Pool) servedBy(w *Worker) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return w.served
}

// bootEnded lets the next one boot, and returns the pause until then.
func (p *Pool) bootEnded(ready bool, e BootFailure) time.Duration {
	pause := p.gate.leave(ready)
	_, booting := p.gate.state()
	p.mu.Lock()
	defer p.mu.Unlock()
	if ready {
		p.failure = nil
		return 0
	}
	if e.Err == errStopped {
		return 0
	}
	p.failure = &e
	if p.hopeless() {
		p.line.refuse(shim.ErrNoWorkers)
		if booting == 0 && !p.everUp {
			p.downOnce.Do(func() { close(p.down) })
		}
	}
	return pause
}

// seat puts a worker into a slot (nil: takes it out). It returns false when the
// pool is stopping.
func (p *Pool) seat(slot int, w *Worker) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w != nil && p.stopping {
		return false
	}
	p.seats[slot] = w
	return true
}

// Stop ends all workers: those that are idle at once, and what still runs is
// told to leave, then killed. It returns when every process is reaped, or kills
// what is left when ctx ends, and then returns.
func (p *Pool) Stop(ctx context.Context) {
	p.mu.Lock()
	if !p.stopping {
		p.stopping = true
		close(p.stop)
		p.line.refuse(shim.ErrStopping)
	}
	for _, w := range p.seats {
		if w != nil {
			offer(w.retire, Shutdown)
		}
	}
	p.mu.Unlock()

	done := make(chan struct{})
	go func() { p.done.Wait(); close(done) }() // ends with the slots
	select {
	case <-done:
	case <-ctx.Done():
		p.Kill()
		<-done
	}
}

// Kill sends SIGKILL to every worker's group at once. Stop still waits for them.
func (p *Pool) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stopping {
		p.stopping = true
		close(p.stop)
		p.line.refuse(shim.ErrStopping)
	}
	if p.killing {
		return
	}
	p.killing = true
	for _, w := range p.seats {
		if w != nil {
			close(w.kill)
		}
	}
}
