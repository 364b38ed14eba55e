package supervisor

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The scaler's rules. A pool grows when somebody has waited, not when a CPU is
// busy: a worker that waits for a database needs a second one beside it, and one
// that computes is helped by no more of them than there are CPUs.
const (
	scaleTick   = 100 * time.Millisecond
	growAfter   = 100 * time.Millisecond // the first of the line has waited so long
	shrinkAfter = 30 * time.Second
)

// Resize sets the number of slots, until the next reload that changes it or the
// scaler's next step. What is too much finishes its requests first; the highest
// slots go. It returns the number before.
func (p *Pool) Resize(n int) (from int, err error) {
	if n < 1 {
		return 0, errors.New("at least 1 worker")
	}
	p.mu.Lock()
	if p.stopping || !p.started {
		p.mu.Unlock()
		return 0, errStopped
	}
	from = p.resize(n)
	p.mu.Unlock()
	if from != n {
		p.emit(Scaled{App: p.opts.App, From: from, To: n, Why: "asked for"})
	}
	return from, nil
}

// resize makes n slots. mu is held.
func (p *Pool) resize(n int) (from int) {
	from = len(p.slots)
	for len(p.slots) < n {
		s := newSlot(p, len(p.slots), p.gen)
		p.slots = append(p.slots, s)
		p.done.Go(s.run)
	}
	for len(p.slots) > n {
		last := len(p.slots) - 1
		p.slots[last].close(ScaleDown)
		p.slots[last] = nil
		p.slots = p.slots[:last]
	}
	p.gen.nudge()
	if p.next != nil {
		p.next.nudge()
	}
	return from
}

// fit gives the pool the size that a new generation wants, if it wants another one
// than its predecessor did. mu is held.
func (p *Pool) fit(old *generation) {
	o := &p.gen.Options
	if old.Workers == o.Workers && old.MaxWorkers == o.MaxWorkers || !p.started {
		return
	}
	p.resize(min(max(len(p.slots), o.Workers), o.MaxWorkers))
}

// rouse wakes a pool that was put to sleep. mu is held.
func (p *Pool) rouse() {
	if len(p.slots) == 0 && p.started && !p.stopping {
		p.failure = nil // of the time before it slept
		p.unserved, p.bootsFail = time.Now(), false
		p.resize(p.gen.Workers)
	}
}

// running is how many workers are needed for what runs and waits now. mu is held.
func (p *Pool) running() int {
	n := 0
	for _, w := range p.able {
		n += w.inFlight
	}
	n += p.line.len()
	return (n + p.gen.Threads - 1) / p.gen.Threads
}

// scale looks whether the pool is to grow or to shrink, and by how much: it grows
// by a worker for each request that waits, at most to the double, and only when
// none is booting; it gives up one slot at a time, when for shrinkAfter fewer would
// have done. So a load that comes in waves keeps what its crests need.
func (p *Pool) scale(now time.Time, s *scaler) {
	p.mu.Lock()
	o := &p.gen.Options
	if p.stopping || !o.shrinks() || p.next != nil {
		p.mu.Unlock()
		return
	}
	size, from := len(p.slots), len(p.slots)
	why := ""
	busy := p.running()
	if busy > 0 {
		p.idleSince = now
	}
	s.most = max(s.most, busy, p.used)
	p.used = busy
	switch {
	case size < o.MaxWorkers && p.line.oldest() >= growAfter && len(p.able) == size && !p.paused:
		size = min(size+max(1, min(size, p.line.len())), o.MaxWorkers)
		why = fmt.Sprintf("the first of %d requests has waited for %v", p.line.len(), p.line.oldest().Round(time.Millisecond))
		s.since, s.most = now, 0
	case o.IdleStop > 0 && size > 0 && busy == 0 && len(p.able) == size && now.Sub(p.idleSince) >= o.IdleStop: // not in the middle of a boot
		size, why = 0, fmt.Sprintf("no request for %v", o.IdleStop)
	case s.since.IsZero() || s.most >= size:
		s.since, s.most = now, 0
	case now.Sub(s.since) >= shrinkAfter:
		if size > o.Workers {
			size--
			why = fmt.Sprintf("at most %d were needed for %v", s.most, shrinkAfter)
		}
		s.since, s.most = now, 0
	}
	if size != from {
		p.resize(size)
	}
	p.mu.Unlock()
	if size != from {
		p.emit(Scaled{App: p.opts.App, From: from, To: size, Why: why})
	}
}

// scaler is what the scaler remembers.
type scaler struct {
	since time.Time // the window's start
	most  int       // the most workers that were needed since
}

// Pause keeps requests in the line: nothing is given to a worker until Resume.
// Nobody's wait ends by QueueTimeout meanwhile; the line's limit holds. It reports
// whether the pool was not paused before.
func (p *Pool) Pause() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.paused
	p.paused = true
	return !was
}

// Resume ends a Pause. It reports whether there was one.
func (p *Pool) Resume() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.paused
	p.paused = false
	if was {
		p.resumed = time.Now()
	}
	p.serveLine()
	return was
}

// patience returns how much longer a request may stand in line that has done so for
// limit; 0 or less: no longer. Who pauses a pool wants the requests kept: a pause takes
// nothing from their time, and the whole of it begins anew when the pause ends.
func (p *Pool) patience(limit time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paused || p.replacing() {
		return limit
	}
	return limit - time.Since(p.resumed)
}

// replacing: no worker serves because one has to stop before the next one is started.
// mu is held.
func (p *Pool) replacing() bool {
	return p.gen.StopFirst && len(p.able) == 0 && p.failure == nil && !p.stopping
}

// Restart replaces the worker in the slot (from 0) by another one, which boots
// first (but for StopFirst), and returns when that serves; a *BootFailure when its first boot failed:
// the old one goes on serving, and the pool goes on trying.
func (p *Pool) Restart(ctx context.Context, number int) error {
	p.mu.Lock()
	if number < 0 || number >= len(p.slots) {
		p.mu.Unlock()
		return fmt.Errorf("there is no worker %s/%d; there are %d", p.opts.App, number+1, len(p.slots))
	}
	s := p.slots[number]
	old, gen := s.seat, p.gen
	if old == nil || !s.replace(old, Restart) {
		p.mu.Unlock()
		return fmt.Errorf("worker %s/%d is being replaced already", p.opts.App, number+1)
	}
	p.mu.Unlock()
	for {
		p.mu.Lock()
		done := s.seat != old && s.seat != nil && s.seat.serving
		failure, closing := gen.failure, s.closing
		changed := p.changes.wait()
		p.mu.Unlock()
		switch {
		case done:
			return nil
		case closing != None:
			return fmt.Errorf("worker %s/%d is not there any more: %v", p.opts.App, number+1, closing)
		case failure != nil:
			return failure
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-p.stop:
			return errStopped
		}
	}
}
