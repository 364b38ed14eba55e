package supervisor

import (
	"context"
	"fmt"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/supervisor/process"
)

// Pool is the slots of one app and the queue of the requests that wait for them. It only puts the objects together that do the
// work, and passes calls to them.
type Pool struct {
	core      core
	dispatch  dispatcher
	refusals  refusals
	boots     boots
	recycle   recycler
	templates templates
	roster    roster
	fleet     fleet
	reloads   reloads
	keeper    keeper
	inspector inspector
}

// New returns a pool that has not been started.
func New(o Options) *Pool {
	p := &Pool{core: core{app: o.App, emit: o.Events, gen: newGeneration(o, 1), stop: make(chan struct{})}}
	if p.core.emit == nil {
		p.core.emit = func(Event) {}
	}
	c, regen := &p.core, make(chan struct{}, 1)
	p.dispatch = dispatcher{core: c, up: make(chan struct{}), rouse: p.fleet.rouse}
	p.boots = boots{core: c, dispatch: &p.dispatch, down: make(chan struct{})}
	p.recycle = recycler{core: c, dispatch: &p.dispatch}
	p.templates = templates{core: c}
	p.roster = roster{core: c, templates: &p.templates}
	p.refusals = refusals{core: c, dispatch: &p.dispatch, roster: &p.roster}
	p.fleet = fleet{core: c, dispatch: &p.dispatch, roster: &p.roster, recycle: &p.recycle, make: func(gen *generation, s *slot) *Worker { return newWorker(p, gen, s.number, &s.orders) }}
	p.reloads = reloads{core: c, fleet: &p.fleet, dispatch: &p.dispatch, running: make(chan struct{}, 1), regen: regen, numbers: 1}
	p.keeper = keeper{core: c, dispatch: &p.dispatch, fleet: &p.fleet, roster: &p.roster, recycle: &p.recycle, regen: regen, pulse: make(chan chan struct{})}
	p.inspector = inspector{core: c, dispatch: &p.dispatch, fleet: &p.fleet}
	return p
}

// newWorker puts a worker together.
func newWorker(p *Pool, gen *generation, number int, o *orders) *Worker {
	w := &Worker{
		core: &p.core, gen: gen, slot: number, tag: process.RandomHex(), orders: o,
		dispatch: &p.dispatch, boots: &p.boots, recycle: &p.recycle, templates: &p.templates,
		who:    Who{App: p.core.app, Worker: fmt.Sprintf("%s/%d", p.core.app, number+1), Generation: gen.number},
		inputs: newInputs(2 * (gen.Threads + gen.Prefetch)), gone: make(chan struct{}),
		onReady: func() {}, onLeave: func(Reason) {},
	}
	w.backend = backend{
		number: number, version: gen.number, threads: gen.Threads, pace: &gen.pace, most: spread(gen.MaxRequests, gen.Jitter), freedUp: w.inputs.freed,
		worn: func() { w.recycle.add(w, MaxRequests) },
	}
	return w
}

// App returns the name of the app.
func (p *Pool) App() string { return p.core.app }

// Start starts the slots. Stop must be called.
func (p *Pool) Start() {
	c := &p.core
	c.mu.Lock()
	defer c.mu.Unlock()
	c.started = true
	p.dispatch.idleSince = time.Now()
	p.fleet.resize(c.gen.Workers)
	c.done.Go(p.keeper.run)
}

// Up is closed when a worker has been ready once.
func (p *Pool) Up() <-chan struct{} { return p.dispatch.up }

// Down is closed when boots have failed, none is under way, and no worker has
// been ready. The pool keeps trying.
func (p *Pool) Down() <-chan struct{} { return p.boots.down }

// Failure returns the last boot failure; nil when the last boot succeeded.
func (p *Pool) Failure() *BootFailure {
	p.core.mu.Lock()
	defer p.core.mu.Unlock()
	return p.dispatch.failure
}

// Acquire returns an exchange with a worker, after a wait in the queue if
// need be. A Label whose Attempt is above 1 goes to the front of the queue. The
// refusals are shim.ErrQueueFull (as *shim.QueueFull), ErrQueueTimeout,
// ErrNoWorkers and ErrStopping; otherwise the error is that of ctx. The caller
// closes the exchange.
func (p *Pool) Acquire(ctx context.Context, l shim.Label) (*shim.Exchange, error) {
	for again := l.Attempt > 1; ; again = true {
		b, err := p.dispatch.acquire(ctx, &l, again)
		if err != nil {
			p.refusals.add(err)
			return nil, err
		}
		x, err := b.conn.Open(l)
		if err == nil {
			return x, nil
		}
		// It died between the two.
		p.dispatch.leave(b)
		p.dispatch.free(b, false, 0)
	}
}

// Admit returns the refusal that Acquire would return at once, or nil. It is
// asked before the body of a request is read.
func (p *Pool) Admit() error {
	err := p.dispatch.admit()
	p.refusals.add(err)
	return err
}

// Pause keeps requests in the queue: none is given to a worker until Resume.
// No wait ends by QueueTimeout meanwhile; the limit of the queue holds. It reports
// whether the pool was not paused before.
func (p *Pool) Pause() bool { return !p.dispatch.pause(true) }

// Resume ends a Pause. It reports whether there was one.
func (p *Pool) Resume() bool { return p.dispatch.pause(false) }

// Resize sets the number of slots, until the next reload that changes it or the
// scaler's next step. Workers above n finish their requests first; the highest
// slots end. It returns the number before.
func (p *Pool) Resize(n int) (from int, err error) { return p.fleet.ask(n) }

// Restart replaces the worker in the slot (from 0) by another one, which boots
// first (but for StopFirst), and returns when that serves. When its first boot fails the error is a *BootFailure:
// the old worker keeps serving, and the pool keeps trying.
func (p *Pool) Restart(ctx context.Context, number int) error { return p.fleet.restart(ctx, number) }

// Reload replaces the workers by those of a new generation: new ones boot beside old ones,
// Surge of them at a time. A new one that is ready takes over from an old one, which
// finishes its requests. nil as Options: the same again, looked up again. When the
// first of them cannot boot the old generation keeps serving, and the
// error is a *ReloadFailed. Where no worker was ever ready there is nothing to go back
// to, and it is a *BootFailure. Once one has booted, failures of others are only reported;
// Reload returns when all have taken over, or with the error of ctx while the reload continues.
//
// Reloads follow one another: a second one waits for the first.
func (p *Pool) Reload(ctx context.Context, o *Options) error { return p.reloads.run(ctx, o) }

// Retire is Stop for a pool that gets no further requests while the server runs on:
// the requests that run and wait are finished first, until ctx ends.
func (p *Pool) Retire(ctx context.Context) {
	p.Resume() // no caller will
	p.fleet.drain(ctx)
	p.Stop(ctx, Shutdown)
}

// Stop ends all workers, with why in their records: idle ones at once; those that run requests are
// told to leave, then killed. It returns when every process was reaped. When ctx ends it kills
// the remaining ones.
func (p *Pool) Stop(ctx context.Context, why Reason) { p.fleet.end(ctx, why) }

// Kill sends SIGKILL to the group of every worker at once. Stop still waits for them.
func (p *Pool) Kill() { p.fleet.kill() }

// Stats returns what the pool is doing.
func (p *Pool) Stats() Stats { return p.inspector.stats() }

// Workers returns what each worker that has a process is doing.
func (p *Pool) Workers() []WorkerInfo { return p.inspector.workers() }

// Templates returns the processes that fork the workers, the oldest first; none
// without Options.Preload.
func (p *Pool) Templates() []TemplateInfo { return p.templates.infos() }

// Dump returns the stacks of all threads of the worker in the slot (from 0), which
// runs on. It is empty when the worker cannot be asked.
func (p *Pool) Dump(ctx context.Context, number int) (string, error) {
	return p.inspector.dump(ctx, number)
}

// Alive returns nil when the pool's lock can be taken and its housekeeping runs, or
// the pool stops; the error of ctx when that is not known in time.
func (p *Pool) Alive(ctx context.Context) error { return p.keeper.alive(ctx) }
