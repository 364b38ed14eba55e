package supervisor

import (
	"fmt"
	"time"
)

// leaveByItself is the least time that a worker gets to leave before SIGTERM; all that one gets which never was ready, or
// that nobody can talk to: there is nothing to be finished.
const leaveByItself = 100 * time.Millisecond

// killMargin is how long before the end of the stop budget SIGKILL is sent: the stacks are taken and the process is reaped
// within the budget, too.
const killMargin = 500 * time.Millisecond

// exitHooks returns when SIGTERM is due for a worker that was told to leave and runs nothing: what the app does at its end
// (atexit, threads that are no daemons, child processes that it joins) may use what is left of the stop budget, or of
// drain_timeout when the worker is replaced. nil: there is no limit.
func (l *life) exitHooks() <-chan time.Time {
	if !l.wasReady || l.reason == ProtocolError {
		return time.After(leaveByItself)
	}
	until := l.drainEnd()
	if l.reason.patient() && !l.drained.IsZero() {
		until = l.drained // since it was told to drain
	}
	if end, stopping := l.pool.stopEnd(l.gen.TermGrace); stopping && (end.IsZero() || end.Before(until)) {
		until = end
	}
	if until.IsZero() {
		return nil
	}
	wait := max(time.Until(until), leaveByItself)
	if l.termed {
		wait += l.gen.TermGrace // the next step is SIGKILL
	}
	return time.After(wait)
}

// killLate is SIGKILL for a worker that has used up its time, with the reason.
func (l *life) killLate() {
	l.killed = true // a SIGUSR2 that finds no handler any more is ours, too
	if l.reason.ends() || l.reason.patient() {
		l.protocol = lateError("the worker", l.pool.busyOf(l.Worker))
		if l.fenced == "" {
			l.fenced = l.takeStacks(nil)
		}
	}
	l.killNow()
}

func lateError(what string, requests int) error {
	if requests > 0 {
		return fmt.Errorf("%s still ran %d requests when its time was over, and SIGTERM did not end it", what, requests)
	}
	return fmt.Errorf("%s was still in its exit hooks when its time was over (atexit, threads that are no daemons, child processes that it joins)", what)
}

// stopEnd says when SIGTERM is due for whatever still lives while the pool stops; zero: never.
func (p *Pool) stopEnd(grace time.Duration) (end time.Time, stopping bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping && !p.until.IsZero() {
		end = p.until.Add(-grace - killMargin)
	}
	return end, p.stopping
}

func (p *Pool) busyOf(w *Worker) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return w.inFlight
}

// exitHooks is the same for a template, whose import may have left exit hooks as well.
func (l *templateLife) exitHooks(why Reason) <-chan time.Time {
	if !why.ends() {
		if d := l.gen.DrainLimit; d > 0 {
			return time.After(d)
		}
		return nil
	}
	end, _ := l.pool.stopEnd(l.gen.TermGrace)
	if end.IsZero() {
		return nil
	}
	return time.After(max(time.Until(end), leaveByItself))
}
