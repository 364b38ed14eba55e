package supervisor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor/process"
)

// life is the part of a worker's run between its start and its end.
type life struct {
	*Worker
	connDone  chan error
	exit      chan process.Exit
	connEnded bool
	connErr   error
	wasReady  bool
	control   bool // the worker reads fd 3
	canDump   bool // SIGUSR2 writes stacks; without that handler it kills
	ahead     int  // requests that it may be sent beyond the one that it runs
	reason    Reason
	failure   *wire.Failed
	looks     process.Looks // at the boot, now and then
	stuck     string        // stacks at the boot timeout
	given     time.Time     // until then what was interrupted may end by itself
	drained   time.Time     // until then the others of a worker that drains may go on
	protocol  error         // a *wire.ProtocolError or what else broke the pipe
	fenced    string        // stacks when it was larger than HardRSS, or had not ended in time
	told      time.Time     // when it was told to leave
	lingers   <-chan time.Time
	announced bool // the slot knows that it takes no new request
}

// live returns when the process has been reaped.
func (l *life) live() process.Exit {
	w := l.Worker
	var bootTimer, tick, ladder <-chan time.Time
	if d := w.gen.BootTimeout; d > 0 {
		bootTimer = time.After(d)
	}
	if d := w.gen.BootTick; d > 0 {
		tick = time.Tick(d)
	}
	kill := w.kill
	warm := make(chan error, 1)
	warming, end := context.WithCancel(context.Background())
	defer end()
	var age <-chan time.Time
	stop := func(r Reason) {
		bootTimer, tick = nil, nil
		l.reason = r
		ladder = l.stopNow()
	}
	var ready *wire.Ready
	for {
		if l.wasReady && !l.announced && w.State() > Serving {
			l.announced = true
			w.onLeave(l.reason)
		}
		select {
		case e := <-l.exit:
			return e
		case h := <-w.hello:
			if w.State() == Starting {
				if want := w.gen.Hash; want != "" && h.Hash != want {
					l.protocol = fmt.Errorf("%s runs another shim: its hash is %.64q, not %s", w.program, h.Hash, want)
					stop(ProtocolError)
					continue
				}
				w.enter(Booting)
				l.control, l.canDump = h.Control, h.Stacks
				if w.canPrefetch(h) {
					l.ahead = w.gen.Prefetch
				}
				w.pool.emit(WorkerHello{w.who, h})
				m := w.pool.bootMessage(w.gen)
				m.Worker, m.Generation, m.Tag = w.slot, w.who.Generation, w.tag
				if err := w.conn.Boot(&m); err != nil {
					if e, ok := l.awaitDeath(deathSoon); ok { // it was killed in this moment: that is the cause
						return e
					}
					l.protocol = err
					stop(ProtocolError)
				}
			}
		case r := <-w.ready:
			if w.State() != Booting || ready != nil {
				continue
			}
			ready = r
			if w.gen.Warmup == nil {
				warm <- nil
				continue
			}
			go func() { warm <- w.gen.Warmup(warming, w.open) }() // ends with its ctx, and with the Conn
		case err := <-warm:
			if w.State() != Booting {
				continue
			}
			if err != nil {
				l.protocol = fmt.Errorf("warmup: %w", err)
				if errors.Is(err, shim.ErrWorkerGone) || errors.Is(err, shim.ErrNotStarted) {
					if e, ok := l.awaitDeath(deathSoon); ok {
						return e
					}
				}
				stop(BootFailed)
				continue
			}
			bootTimer, tick = nil, nil
			l.wasReady = true
			w.enter(Serving)
			if d := spread(int64(w.gen.MaxLifetime), w.gen.Jitter); d > 0 {
				age = time.After(time.Duration(d))
			}
			w.pool.bootEnded(w, booted, BootFailure{})
			if w.gen.MaxRSS > 0 {
				w.growth.begin(w.size())
			}
			count, of := w.pool.join(w, l.ahead)
			w.pool.emit(WorkerReady{w.who, ready, time.Since(w.started), count, of})
			w.onReady()
		case f := <-w.failed:
			if w.State() < Serving {
				l.failure = f
				bootTimer, tick = nil, nil
				stop(BootFailed)
			}
		case <-bootTimer:
			tick = nil
			l.protocol = &process.BootTimeoutError{Limit: w.gen.BootTimeout, Earlier: l.looks.Before(w.gen.BootTimeout)}
			l.stuck = l.takeStacks(nil)
			stop(BootTimeout)
		case <-tick:
			w.pool.emit(WorkerWaits{w.who, w.State(), time.Since(w.started).Round(time.Second), l.looks.Add(l.takeStacks(nil))})
		case err := <-l.connDone:
			l.connEnded, l.connErr = true, err
			l.connDone = nil
			if l.reason == None && errors.As(err, new(*wire.ProtocolError)) {
				l.protocol = err // the cause, whatever the process does now that its pipes are closed
				w.pool.leave(w)
				stop(ProtocolError)
				continue
			}
			if e, ok := l.awaitDeath(deathSoon); ok {
				return e
			}
			// It lives, but nobody can talk to it any more.
			if l.reason == None {
				l.protocol = err
				w.pool.leave(w)
				stop(ProtocolError)
			}
		case x := <-w.expired:
			if t := l.giveUp(x); t != nil {
				ladder = t
			}
		case <-age:
			w.pool.mu.Lock()
			w.pool.isDue(w, MaxLifetime)
			w.pool.mu.Unlock()
		case size := <-w.fence:
			if w.State() >= Serving && w.State() < Killing {
				l.fenced = l.takeStacks(nil)
				l.reason = HardRSS
				l.protocol = fmt.Errorf("its resident size of %d MiB is more than hard_rss, %d MiB", size>>20, w.gen.HardRSS>>20)
				w.pool.leave(w)
				l.killNow()
			}
		case <-l.lingers:
			if w.State() == Stopping {
				w.pool.emit(WorkerWaits{w.who, Stopping, time.Since(l.told).Round(time.Second), l.shimStacks(nil, time.Second)})
			}
		case answer := <-w.dumps:
			answer <- l.stacksWithin(nil, time.Second) // a person waits
		case r := <-w.retire:
			switch {
			case w.State() < Serving:
				stop(r)
			case w.State() == Serving && r.patient():
				l.reason = r
				w.enter(Draining)
				w.pool.leave(w)
				l.drained = l.drainEnd()
				ladder = l.drain()
			case w.State() == Serving:
				l.reason = r
				w.enter(Draining)
				ladder = l.stopNow()
			case w.State() == Draining && !r.patient():
				ladder = l.stopNow()
			case w.State() == Stopping && r.ends() && !w.termed: // it had more time than the stop has
				ladder = l.exitHooks()
			}
		case <-w.idle:
			switch w.State() {
			case Draining:
				ladder = l.drain()
			case Stopping:
				w.conn.CloseRequests()
				if l.pool.busyOf(w) == 0 {
					ladder = l.exitHooks()
				}
			}
		case <-kill:
			kill = nil
			bootTimer, tick = nil, nil
			l.killNow()
			if l.reason == None {
				l.reason = Shutdown
			}
		case <-ladder:
			ladder = nil
			switch {
			case w.State() == Draining:
				ladder = l.drain()
			case !w.termed:
				ladder = l.terminate()
			default:
				l.killLate()
			}
		}
	}
}

// forever stands for a drain without a limit.
const forever = 1000 * time.Hour

// drainEnd is when a worker that is replaced in good order has to have finished.
func (l *life) drainEnd() time.Time {
	if d := l.gen.DrainLimit; d > 0 {
		return time.Now().Add(d)
	}
	return time.Now().Add(forever)
}

// giveUp sees to a request whose time is over or whose client has gone, after
// the client has its answer: the stacks, then the interrupt. It returns when to
// look again; nil: the worker is on its way out already.
func (l *life) giveUp(e expiry) <-chan time.Time {
	reason := ClientGone
	if e.cause == shim.TimeOver {
		reason = RequestTimeout
		r := RequestExpired{Who: l.who, Request: shim.InFlight{Label: e.x.Label(), Sent: e.x.Sent()}, Why: e.why, Stacks: l.takeStacks(e.x)}
		if r.Stacks != "" {
			time.Sleep(betweenLooks)
			if again := l.takeStacks(e.x); again != "" {
				r.Earlier, r.Stacks = r.Stacks, again
			}
		}
		l.pool.emit(r)
	}
	_ = e.x.Interrupt(e.cause) // without a control socket the ladder does it
	l.given = time.Now().Add(l.gen.InterruptGrace)
	switch l.State() {
	case Serving:
		l.reason = reason
		l.enter(Draining)
		l.pool.leave(l.Worker)
		l.drained = time.Now().Add(l.gen.DrainGrace)
		if reason == ClientGone { // the clients of the others are still there
			l.drained = l.drainEnd()
		}
	case Draining:
	default:
		return nil
	}
	return l.drain()
}

// drain decides about a worker that takes no new request: it goes on while
// somebody waits for an answer of its, at most DrainGrace, and as long as what
// was interrupted may take; then it is stopped. It returns when to look again.
func (l *life) drain() <-chan time.Time {
	until := l.given
	switch inFlight, wanted := l.pool.load(l.Worker); {
	case inFlight == 0:
		return l.stopNow()
	case wanted > 0 && l.drained.After(until):
		until = l.drained
	}
	if left := time.Until(until); left > 0 {
		return time.After(left)
	}
	return l.stopNow()
}

// stopNow tells the worker to leave, and returns the time after which the next
// step is due: SIGTERM, which counts because Stop went first, and which goes to the
// group's other processes too; then SIGKILL.
func (l *life) stopNow() <-chan time.Time {
	l.enter(Stopping)
	if d := l.gen.BootTick; d > 0 && l.lingers == nil {
		l.told, l.lingers = time.Now(), time.Tick(d)
	}
	_ = l.conn.Stop()
	busy := l.pool.leave(l.Worker)
	if busy > 0 { // idle closes the requests: credit and body are needed until then
		return l.terminate()
	}
	l.conn.CloseRequests()
	return l.exitHooks()
}

// terminate sends SIGTERM, and returns the time after which SIGKILL follows.
func (l *life) terminate() <-chan time.Time {
	l.termed = true
	_ = l.child.Signal(process.Terminate)
	return time.After(l.gen.TermGrace)
}

func (l *life) killNow() {
	if l.State() < Killing {
		l.enter(Killing)
	}
	l.killed = true
	_ = l.child.Signal(process.Kill)
}

// deathSoon is how long waitpid may take after the pipes of a dead process: a busy machine may leave it so long between the two.
const deathSoon = 2 * time.Second

// awaitDeath waits a moment for waitpid: an end of the pipes nearly always is a
// death.
func (l *life) awaitDeath(d time.Duration) (process.Exit, bool) {
	select {
	case e := <-l.exit:
		return e, true
	case <-time.After(d):
		return process.Exit{}, false
	}
}

// bootErr says why a worker that never was ready ended.
func (l *life) bootErr(e process.Exit) error {
	switch {
	case l.failure != nil:
		return l.failure
	case l.reason.ends(), l.reason.patient():
		return errStopped
	case l.protocol != nil:
		return l.protocol
	case e.Signal > 0:
		return fmt.Errorf("%s was ended by signal %d (%s) before the app was loaded", l.program, e.Signal, e.SignalName)
	case l.connErr != nil && errors.As(l.connErr, new(*wire.ProtocolError)):
		return l.connErr
	}
	return fmt.Errorf("%s ended with status %d before the app was loaded", l.program, e.Code)
}

var errStopped = errors.New("stopped while it was starting")
