package supervisor

import (
	"fmt"
	"time"
)

const (
	// leaveByItself is the least time that a process gets to end before SIGTERM. It is all the time of one that was never ready
	// or that cannot be talked to: there is nothing to finish.
	leaveByItself = 100 * time.Millisecond
	// killMargin is how long before the end of the stop budget SIGKILL is sent: the stacks are taken and the process is reaped
	// within the budget, too.
	killMargin = 500 * time.Millisecond
	// forever stands for a drain without a limit.
	forever = 1000 * time.Hour
)

// fail ends a process that will not serve, or that cannot be talked to any more.
func (m *machine) fail(r Reason, err error) []action {
	if m.reason == None {
		m.reason = r
		if err != nil {
			m.err = err
		}
	}
	do := []action{disarm{bootTimer}, disarm{bootTickTimer}}
	if m.rules.killsBoot {
		return append(do, m.kill()...)
	}
	return append(do, m.stop()...)
}

// stop tells the process to leave. withdrawn decides what comes next.
func (m *machine) stop() []action {
	if m.state >= Killing {
		return nil
	}
	m.enter(Stopping)
	var do []action
	if !m.lingering && m.rules.bootTick > 0 {
		m.lingering = true
		do = append(do, arm{lingerTimer, m.rules.bootTick})
	}
	return append(do, m.escalation.ask()...)
}

// drainEnd is when a worker that is replaced in good order has to have finished.
func (r *rules) drainEnd(now time.Time) time.Time {
	if d := r.drainLimit; d > 0 {
		return now.Add(d)
	}
	return now.Add(forever)
}

// drain decides about a worker that takes no new request. It runs while a client waits for an answer of it, at most until
// drained, and as long as an interrupted request may take; then it is stopped.
func (m *machine) drain(v view) []action {
	until := m.given
	switch {
	case v.debugging: // debugOver goes on
		return []action{disarm{stepTimer}}
	case v.inFlight == 0:
		return m.stop()
	case v.wanted > 0 && m.drained.After(until):
		until = m.drained
	}
	if left := until.Sub(v.now); left > 0 {
		return []action{arm{stepTimer, left}}
	}
	return m.stop()
}

// follow begins the time again that did not pass while a debugger was open.
func (debugOver) follow(m *machine, v view) []action {
	switch {
	case v.debugging:
		return nil
	case m.state < Serving && m.ready == nil && m.reason == None:
		return []action{arm{bootTimer, m.rules.bootTimeout}}
	case m.state == Draining:
		if m.reason.finishes() {
			m.drained = m.rules.drainEnd(v.now)
		}
		return m.drain(v)
	}
	return nil
}

// exitHooks sets when SIGTERM is due for a process that was told to leave and runs no request. What the app does at its end
// (atexit, threads that are not daemons, child processes that it joins) may use what is left of the stop budget, or of
// drain_timeout when the process is replaced.
func (m *machine) exitHooks(v view) []action {
	if !m.served || m.reason == ProtocolError {
		return []action{arm{stepTimer, leaveByItself}}
	}
	until := m.rules.drainEnd(v.now)
	if m.reason.finishes() && !m.drained.IsZero() {
		until = m.drained // since it was told to drain
	}
	if v.stopping && (v.stopEnd.IsZero() || v.stopEnd.Before(until)) {
		until = v.stopEnd
	}
	if until.IsZero() {
		return []action{disarm{stepTimer}}
	}
	wait := max(until.Sub(v.now), leaveByItself)
	if m.escalation == terminated {
		wait += m.rules.termGrace // the next step is SIGKILL
	}
	return []action{arm{stepTimer, wait}}
}

// stepDue: the time of the last step is over.
func (m *machine) stepDue(v view) []action {
	switch {
	case m.state == Draining:
		return m.drain(v)
	case m.escalation < terminated:
		return m.escalation.terminate(m.rules.termGrace)
	case m.escalation == killed:
		return nil
	}
	var do []action
	if m.reason.ends() || m.reason.finishes() {
		if m.served || !m.rules.killsBoot {
			m.err = lateError(m.rules.what, v.inFlight)
		}
		if !m.rules.killsBoot {
			do = append(do, takeStacks{of: lastStacks, doomed: true}) // a SIGUSR2 that finds no handler any more is ours, too
		}
	}
	return append(do, m.kill()...)
}

func lateError(what string, requests int) error {
	if requests > 0 {
		return fmt.Errorf("%s still ran %d requests when its time was over, and SIGTERM did not end it", what, requests)
	}
	return fmt.Errorf("%s was still in its exit hooks when its time was over (atexit, threads that are no daemons, child processes that it joins)", what)
}
