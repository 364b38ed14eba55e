package supervisor

// launch is one worker of a slot, from the boot limiter to its end.
type launch struct {
	worker *Worker
	quit   chan struct{} // closed: it is not to be started
	ready  bool
	told   Reason // why it was told to leave; None: it was not
}

// news is one thing that happened to a launch.
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
	leaving              // it takes no new request although the slot did not ask for that
	ended                // there is no process any more
)

// launch starts a worker as soon as the boot limiter lets it. The goroutine ends with the worker, and run waits for its last
// news.
func (s *slot) launch(gen *generation) *launch {
	l := &launch{worker: s.make(gen, s), quit: make(chan struct{})}
	l.worker.onReady = func() { s.news <- news{of: l, what: becameReady} }
	l.worker.onLeave = func(r Reason) { s.news <- news{of: l, what: leaving, reason: r} }
	go func() {
		end := news{of: l, what: ended}
		if boot := gen.boots.enter(l.quit); boot != nil {
			if s.roster.enlist(l.worker, l.quit) {
				l.worker.boot = boot
				end.wasReady, end.reason = l.worker.run()
				end.foreign = l.worker.outside
				s.roster.dismiss(l.worker)
			}
			boot.end(bootLeft) // of a worker that was never started
		}
		s.news <- end
	}()
	return l
}

// leave tells the worker to leave, or not to start.
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
	if l.ready { // at once: after a reload no request goes to the code from before it
		l.worker.dispatch.leave(&l.worker.backend)
	}
	offer(l.worker.inputs.retire, why)
}

func (l *launch) who() *Worker {
	if l == nil {
		return nil
	}
	return l.worker
}

func (l *launch) occupant() *occupant {
	if l == nil {
		return nil
	}
	return &occupant{gen: l.worker.gen, ready: l.ready, leaves: l.told != None}
}
