package supervisor

import "time"

// slot is permanent: it keeps one worker alive, replaces it by one that is ready, backs off, and never gives up. For a while it
// may have two live workers: one that serves and one that boots, or one that leaves.
//
// Its loop alone decides, by reconcile. Others change its orders.
type slot struct {
	*core
	orders
	number  int
	recycle *recycler
	roster  *roster
	make    func(gen *generation, s *slot) *Worker
	news    chan news // of its launches; the loop reads it until all have ended

	// Of the loop:
	cur, next *launch
	leaving   int
	rest      <-chan time.Time
	died      time.Time // when a worker of this slot last died unasked after it had been ready
}

// secondDeath: two deaths of workers that had been ready, so close together, make the slot wait.
const secondDeath = 10 * time.Second

// killedPause is how long a slot rests after a boot that was killed from outside. It does not grow: it only bounds how many
// processes are started in vain.
const killedPause = 100 * time.Millisecond

// run is the slot's life; it ends when the slot was closed and all its workers have ended.
func (s *slot) run() {
	for {
		want := s.desired()
		switch a := reconcile(s.observe(), want); a.do {
		case start:
			s.cur = s.launch(a.gen)
		case startNext:
			s.next = s.launch(a.gen)
		case dropCurrent:
			s.cur.leave(a.why)
			s.leaving++
			s.cur = nil
		case dropNext:
			s.next.leave(a.why)
			s.leaving++
			s.next = nil
		case finish:
			s.filled()
			return
		case retireBoth:
			s.cur.leave(a.why)
			s.next.leave(a.why)
			s.wait(want)
		default:
			s.wait(want)
		}
	}
}

// desired reads the orders, and shows the state of the slot.
func (s *slot) desired() desired {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cur == nil && s.target.number < s.gen.number {
		s.target = s.gen
	}
	s.current, s.resting = s.cur.who(), s.rest != nil
	s.changes.tell()
	s.target.nudge() // a reload looks at the values above
	want := desired{target: s.target, serving: s.gen, due: s.due, closing: s.closing}
	if s.stopping {
		want.closing = s.ending
	}
	return want
}

func (s *slot) observe() observed {
	return observed{current: s.cur.occupant(), next: s.next.occupant(), leaving: s.leaving, resting: s.rest != nil}
}

// wait waits until something happens, and takes note of it.
func (s *slot) wait(want desired) {
	select {
	case <-s.wake:
	case <-s.rest:
		s.rest = nil
	case n := <-s.news:
		switch n.what {
		case becameReady:
			s.ready(n.of, want)
		case leaving:
			if n.of == s.cur && s.cur.told == None {
				s.cur.told = n.reason
			}
		case ended:
			s.ended(n, want)
		}
	}
}

// ready: a launch of the slot serves. One beside the current worker takes over.
func (s *slot) ready(l *launch, want desired) {
	l.ready = true
	switch l {
	case s.cur:
		s.filled()
	case s.next:
		if s.cur != nil { // nil: it died, and the slot rests
			s.cur.leave(want.due.or(Reload))
			s.leaving++
		}
		s.cur, s.next, s.rest = s.next, nil, nil
		s.settled()
	}
}

// ended: the process of a launch has ended, or was never started.
func (s *slot) ended(n news, want desired) {
	switch n.of {
	case s.cur:
		s.cur = nil
		if want.target.StopFirst {
			s.emptied()
		}
		if s.next != nil && s.serves(s.next) { // not one of a reload that has not succeeded: it has no claim on the slot
			s.cur, s.next = s.next, nil
		}
		s.settled()
		if s.cur == nil {
			s.rest = s.pause(n)
		}
	case s.next:
		s.next = nil
	default:
		s.leaving--
	}
}

// serves reports whether the launch is of the generation that serves.
func (s *slot) serves(l *launch) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return l.worker.gen == s.gen
}

// emptied: the worker that was due has ended, and the next one is to be started now. Until that serves no other slot recycles.
func (s *slot) emptied() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.due.recycles() {
		s.due, s.empties = None, true
	}
}

// filled: the next worker serves, or the slot ends.
func (s *slot) filled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.empties {
		s.empties = false
		s.recycle.over()
	}
}

// settled: whatever made a worker due is over.
func (s *slot) settled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.due.recycles() {
		s.recycle.over()
	}
	s.due = None
}

// pause is how long the slot rests after a death; nil: not at all. A boot that failed has its pause at the boot limiter.
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
