package supervisor

import (
	"context"
	"errors"
	"fmt"

	"github.com/standpipe/standpipe/shim"
)

// fleet is the slots of a pool.
type fleet struct {
	*core
	dispatch *dispatcher
	roster   *roster
	recycle  *recycler
	make     func(gen *generation, s *slot) *Worker

	slots []*slot // under mu; by number. A slot that was closed is not here any more
}

// resize makes n slots, and returns how many there were. Workers above n finish their requests first; the highest slots end. mu
// is held.
func (f *fleet) resize(n int) (from int) {
	from = len(f.slots)
	for len(f.slots) < n {
		s := &slot{
			core: f.core, number: len(f.slots), recycle: f.recycle, roster: f.roster, make: f.make, news: make(chan news),
			orders: orders{target: f.gen, wake: make(chan struct{}, 1)},
		}
		f.slots = append(f.slots, s)
		f.done.Go(s.run)
	}
	for len(f.slots) > n {
		last := len(f.slots) - 1
		f.slots[last].close(ScaleDown)
		f.slots[last] = nil
		f.slots = f.slots[:last]
	}
	f.dispatch.slots = n
	f.changes.tell()
	f.gen.nudge()
	if f.next != nil {
		f.next.nudge()
	}
	return from
}

// ask is a resize that a person asks for.
func (f *fleet) ask(n int) (from int, err error) {
	if n < 1 {
		return 0, errors.New("at least 1 worker")
	}
	f.mu.Lock()
	if f.stopping || !f.started {
		f.mu.Unlock()
		return 0, errStopped
	}
	from = f.resize(n)
	f.mu.Unlock()
	if from != n {
		f.emit(Scaled{App: f.app, From: from, To: n, Why: "asked for"})
	}
	return from, nil
}

// fit gives the pool the size that a new generation wants, if its predecessor wanted another one. mu is held.
func (f *fleet) fit(old *generation) {
	o := &f.gen.Options
	if old.Workers == o.Workers && old.MaxWorkers == o.MaxWorkers || !f.started {
		return
	}
	f.resize(min(max(len(f.slots), o.Workers), o.MaxWorkers))
}

// rouse wakes a pool that was put to sleep. mu is held.
func (f *fleet) rouse() {
	if len(f.slots) == 0 && f.started && !f.stopping {
		f.dispatch.slept()
		f.resize(f.gen.Workers)
	}
}

// aim points all slots at a generation. mu is held.
func (f *fleet) aim(g *generation) {
	for _, s := range f.slots {
		s.aim(g)
	}
}

// advance points slots at gen, as many at a time as surge allows, and returns how many still have an old worker or none. mu is
// held.
func (f *fleet) advance(gen *generation) (left int) {
	moving := 0
	for _, s := range f.slots {
		if s.arrived(gen) {
			continue
		}
		left++
		if s.target == gen {
			moving++
		}
	}
	most := gen.surge(len(f.slots))
	switch {
	case gen.StopFirst:
		most = 1
	case gen.Cutover: // nothing else brings the others to it
		most = len(f.slots)
	}
	for _, s := range f.slots {
		if moving >= most {
			return left
		}
		if s.target != gen {
			s.aim(gen)
			moving++
		}
	}
	return left
}

// restart replaces the worker in the slot (from 0) by another one, and returns when that serves.
func (f *fleet) restart(ctx context.Context, number int) error {
	f.mu.Lock()
	if number < 0 || number >= len(f.slots) {
		f.mu.Unlock()
		return fmt.Errorf("there is no worker %s/%d; there are %d", f.app, number+1, len(f.slots))
	}
	s := f.slots[number]
	old, gen := s.current, f.gen
	if old == nil || !s.replace(old, Restart) {
		f.mu.Unlock()
		return fmt.Errorf("worker %s/%d is being replaced already", f.app, number+1)
	}
	f.mu.Unlock()
	for {
		f.mu.Lock()
		done := s.current != old && s.current != nil && s.current.serving
		failure, closing := gen.failure, s.closing
		changed := f.changes.wait()
		f.mu.Unlock()
		switch {
		case done:
			return nil
		case closing != None:
			return fmt.Errorf("worker %s/%d is not there any more: %v", f.app, number+1, closing)
		case failure != nil:
			return failure
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-f.stop:
			return errStopped
		}
	}
}

// drain waits until no request runs or waits, or until ctx ends.
func (f *fleet) drain(ctx context.Context) {
	for {
		f.mu.Lock()
		busy := f.dispatch.queue.len() > 0 || f.roster.busy()
		changed := f.changes.wait()
		f.mu.Unlock()
		if !busy {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// end ends all workers, and returns when every process was reaped. Those that still live when ctx ends are killed.
func (f *fleet) end(ctx context.Context, why Reason) {
	f.mu.Lock()
	if end, ok := ctx.Deadline(); ok {
		f.until = end
	}
	f.halt(why)
	f.mu.Unlock()

	done := make(chan struct{})
	go func() { f.done.Wait(); close(done) }() // ends with the slots
	select {
	case <-done:
	case <-ctx.Done():
		f.kill()
		<-done
	}
}

// halt begins the stop. mu is held.
func (f *fleet) halt(why Reason) {
	if f.stopping {
		return
	}
	f.stopping, f.ending = true, why
	close(f.stop)
	f.dispatch.queue.refuse(shim.ErrStopping)
	f.changes.tell()
	for _, s := range f.slots {
		s.close(why)
	}
	f.roster.retire(why)
}

// kill sends SIGKILL to the group of every process at once. end still waits for them.
func (f *fleet) kill() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.halt(Shutdown)
	if !f.killing {
		f.killing = true
		f.roster.kill()
	}
}
