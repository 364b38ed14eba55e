package supervisor

import "time"

// slot is a permanent seat: it keeps one worker alive, replaces it by one that is
// ready, backs off, and never gives up. For a while it may have two workers that
// live: one that serves and one that boots, or one that leaves.
//
// Its loop alone decides. Others change the orders under the pool's lock and wake
// it: what it is to run, whether its worker is due, whether it is to end.
type slot struct {
	pool   *Pool
	number int
	wake   chan struct{} // capacity 1: the orders have changed
	news   chan news     // of its launches; the loop reads it until all have ended

	// Orders, under pool.mu.
	target  *generation
	due     Reason // why its worker is to be replaced; None: it is not
	closing Reason // why the slot is to end; None: it is not

	// What is there, under pool.mu and written by the loop alone.
	seat    *Worker // that serves, boots or leaves; nil: none
	backup  *Worker // that boots beside seat; nil: none
	resting bool    // a pause before the next start
	empties bool    // StopFirst: its worker has ended for its age or size, and the next one does not serve yet

	died time.Time // when a worker of this slot last died unasked after it had been ready
}

// launch is one worker from the boot limiter to its end.
type launch struct {
	worker *Worker
	quit   chan struct{} // closed: it is not to be started
	ready  bool
	told   Reason // why it was told to leave; None: it was not
}

// news is what happened to a launch.
type news struct {
	of       *launch
	what     newsKind
	wasReady bool
	foreign  bool // a signal from outside ended it
	reason   Reason
}

type newsKind int

const (
	becameReady newsKind = iota
	leaving              // it takes no new request, and nobody here has asked for that
	ended                // there is no process any more
)

// secondDeath: two deaths of workers that had been ready, so close together,
// make the slot wait.
const secondDeath = 10 * time.Second

// killedPause is how long a slot rests after a boot that was killed from outside. It
// does not grow: it only bounds how many processes are started in vain.
const killedPause = 100 * time.Millisecond

func newSlot(p *Pool, number int, gen *generation) *slot {
	return &slot{pool: p, number: number, target: gen, wake: make(chan struct{}, 1), news: make(chan news)}
}

// aim sets what the slot is to run. pool.mu is held.
func (s *slot) aim(g *generation) {
	if s.target != g {
		s.target = g
		offer(s.wake, struct{}{})
	}
}

// close orders the slot to end. pool.mu is held.
func (s *slot) close(why Reason) {
	if s.closing == None || why.ends() {
		s.closing = why
		s.pool.changes.tell()
		offer(s.wake, struct{}{})
	}
}

// replace orders another worker in the place of w. pool.mu is held.
func (s *slot) replace(w *Worker, why Reason) bool {
	if s.seat != w || s.due != None || s.closing != None {
		return false
	}
	s.due = why
	offer(s.wake, struct{}{})
	return true
}

// arrived: a worker of gen serves here. pool.mu is held.
func (s *slot) arrived(gen *generation) bool {
	return s.target == gen && s.seat != nil && s.seat.gen == gen && s.seat.serving
}

// run is the slot's life; it ends when the slot was closed and all its workers
// have ended.
func (s *slot) run() {
	var cur, next *launch
	others := 0 // launches that leave
	var rest <-chan time.Time
	for {
		p := s.pool
		p.mu.Lock()
		serving := p.gen
		if cur == nil && s.target.number < serving.number {
			s.target = serving
		}
		target, due, closing := s.target, s.due, s.closing
		s.seat, s.backup, s.resting = cur.who(), next.who(), rest != nil
		p.changes.tell()
		if p.stopping {
			closing = p.ending
		}
		p.mu.Unlock()
		target.nudge() // a reload looks at what was written just now

		switch {
		case closing != None:
			cur.leave(closing)
			next.leave(closing)
			if cur == nil && next == nil && others == 0 {
				s.replaced()
				return
			}
		case cur == nil && target.StopFirst:
			if rest == nil && others == 0 {
				cur = s.launch(target)
				continue
			}
		case cur == nil:
			if rest == nil {
				cur = s.launch(serving) // a reload that has not succeeded has no claim on an empty seat
				continue
			}
		case target.StopFirst && (cur.worker.gen != target || cur.ready && due != None):
			why := due
			if why == None {
				why = Reload
			}
			cur.leave(why)
			next.leave(why)
		case !cur.ready && cur.worker.gen != target && cur.worker.gen != serving: // a boot that nobody wants any more
			cur.leave(Reload)
			others++
			cur = nil
			continue
		case next != nil && next.worker.gen != target:
			next.leave(Reload)
			others++
			next = nil
			continue
		case next == nil && !target.StopFirst && (cur.worker.gen != target || cur.ready && (due != None || cur.told != None)):
			next = s.launch(target)
			continue
		}

		select {
		case <-s.wake:
		case <-rest:
			rest = nil
		case n := <-s.news:
			switch {
			case n.what == becameReady:
				n.of.ready = true
				if n.of == cur {
					s.replaced()
				}
				if n.of == next {
					why := due
					if why == None {
						why = Reload
					}
					if cur != nil { // nil: it died, and the slot rests
						cur.leave(why)
						others++
					}
					cur, next, rest = next, nil, nil
					s.settled()
				}
			case n.what == leaving:
				if n.of == cur && cur.told == None {
					cur.told = n.reason
				}
			case n.of == cur:
				cur = nil
				if target.StopFirst {
					s.stoppedFirst()
				}
				if next != nil && s.mine(next) { // not of a reload that has not succeeded: it has no claim on the seat
					cur, next = next, nil
				}
				s.settled()
				if cur == nil {
					rest = s.pause(n)
				}
			case n.of == next:
				next = nil
			default:
				others--
			}
		}
	}
}

// mine: the launch is of the generation that serves.
func (s *slot) mine(l *launch) bool {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	return l.worker.gen == s.pool.gen
}

// stoppedFirst: the worker that was due has ended, and the next one is to be started
// now: until it serves no other slot recycles.
func (s *slot) stoppedFirst() {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	if s.due.recycles() {
		s.due, s.empties = None, true
	}
}

// replaced: the next one serves, or there is none.
func (s *slot) replaced() {
	p := s.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.empties {
		s.empties = false
		p.recycling--
		p.recycleNext()
	}
}

// settled: whatever made a worker due is over.
func (s *slot) settled() {
	p := s.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.due.recycles() {
		p.recycling--
		p.recycleNext()
	}
	s.due = None
}

// pause is how long the slot rests after a death; nil: not at all. A boot that failed
// has its pause at the boot limiter.
func (s *slot) pause(n news) <-chan time.Time {
	switch {
	case n.foreign && n.wasReady:
		return nil
	case n.foreign:
		return time.After(killedPause)
	case !n.wasReady || n.reason.planned():
		return nil
	}
	now := time.Now()
	again := !s.died.IsZero() && now.Sub(s.died) < secondDeath
	s.died = now
	if again {
		return time.After(secondDeath / 10)
	}
	return nil
}

// launch starts a worker as soon as the boot limiter lets it. The goroutine ends with the
// worker, and its last news are waited for by run.
func (s *slot) launch(gen *generation) *launch {
	l := &launch{worker: newWorker(s.pool, gen, s.number), quit: make(chan struct{})}
	l.worker.onReady = func() { s.news <- news{of: l, what: becameReady} }
	l.worker.onLeave = func(r Reason) { s.news <- news{of: l, what: leaving, reason: r} }
	go func() {
		end := news{of: l, what: ended}
		if boot := gen.boots.enter(l.quit); boot != nil {
			if s.pool.seat(l.worker, l.quit) {
				l.worker.boot = boot
				end.wasReady, end.reason = l.worker.run()
				end.foreign = l.worker.outside
				s.pool.unseat(l.worker)
			}
			boot.end(bootLeft) // for a worker that was never started
		}
		s.news <- end
	}()
	return l
}

// leave tells the worker to go, or not to come.
func (l *launch) leave(why Reason) {
	if l == nil || l.told == why || l.told.ends() {
		return
	}
	select {
	case <-l.quit:
	default:
		close(l.quit)
	}
	l.told = why
	offer(l.worker.inputs.retire, why)
}

func (l *launch) who() *Worker {
	if l == nil {
		return nil
	}
	return l.worker
}
