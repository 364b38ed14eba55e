package supervisor

import (
	"context"
	"errors"
)

// ErrSuperseded is the result of a reload that another one has ended (Options.Cutover).
var ErrSuperseded = errors.New("another reload has taken the place of this one")

// reloads replace the generation of a pool by another one, one reload after the other.
type reloads struct {
	*core
	fleet    *fleet
	dispatch *dispatcher
	running  chan struct{} // capacity 1: full while a reload runs
	regen    chan struct{} // capacity 1: another generation serves
	numbers  int           // of generations so far; of the reload that is under way
	asked    int           // reloads so far, those that wait too
	current  *generation   // of the reload that is under way; nil: none
}

// run makes one reload, and returns its result, or the error of ctx while the reload continues.
func (r *reloads) run(ctx context.Context, o *Options) error {
	done := make(chan error, 1)
	r.mu.Lock()
	if r.stopping {
		r.mu.Unlock()
		return errStopped
	}
	r.asked++
	number := r.asked
	if r.current != nil {
		r.current.nudge() // it may be superseded now
	}
	r.done.Go(func() { // ends with the reload or with the pool
		select {
		case r.running <- struct{}{}:
			defer func() { <-r.running }()
			done <- r.reload(o, number)
		case <-r.stop:
			done <- errStopped
		}
	})
	r.mu.Unlock()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *reloads) reload(o *Options, number int) error {
	old, gen := r.begin(o)
	defer func() {
		r.mu.Lock()
		r.current = nil
		r.mu.Unlock()
	}()
	for {
		result, over := r.look(old, gen, number)
		if over {
			return result
		}
		select {
		case <-gen.changed:
		case <-r.stop:
			return errStopped
		}
	}
}

// begin makes the next generation.
func (r *reloads) begin(o *Options) (old, gen *generation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old = r.gen
	if o == nil {
		again := old.Options
		o = &again
	}
	r.numbers++
	gen = newGeneration(*o, r.numbers)
	r.next, r.current = gen, gen
	switch {
	case old.successes == 0: // it never served: there is nothing to protect
		r.commit(old, gen)
		r.fleet.aim(gen)
	case len(r.fleet.slots) == 0: // asleep: only a boot shows whether the new code can
		r.fleet.rouse()
	}
	return old, gen
}

// look moves a reload, which was the number'th one that was asked for, on as far as it gets; over: it has its result.
func (r *reloads) look(old, gen *generation, number int) (result error, over bool) {
	r.mu.Lock()
	committed := r.gen == gen
	switch {
	case gen.successes == 0 && gen.failure != nil && !committed:
		failed := ReloadFailed{BootFailure: *gen.failure, Serving: old.number, Release: gen.release, ServingRelease: old.release, Cutover: gen.Cutover}
		r.next = nil
		r.fleet.aim(old)
		r.mu.Unlock()
		r.emit(failed)
		return &failed, true
	case gen.successes > 0 && !committed:
		r.commit(old, gen)
		committed = true
	}
	left := r.fleet.advance(gen)
	if committed && (left == 0 || gen.Cutover && r.dispatch.able.of(gen.number)) {
		release := gen.release
		r.mu.Unlock()
		r.emit(Reloaded{App: r.app, Generation: gen.number, Release: release})
		return nil, true
	}
	defer r.mu.Unlock()
	if gen.Cutover && r.asked > number {
		if !committed {
			r.next = nil
			r.fleet.aim(old)
		}
		return ErrSuperseded, true
	}
	if committed && gen.successes == 0 && gen.failure != nil {
		failure := *gen.failure
		return &failure, true
	}
	return nil, false
}

// commit makes gen the generation that serves. mu is held.
func (r *reloads) commit(old, gen *generation) {
	r.gen, r.next, r.dispatch.failure = gen, nil, nil
	r.fleet.fit(old)
	offer(r.regen, struct{}{})
}
