package upstream

import (
	"math"
	"time"
)

// Limits say when an upstream gets no requests.
type Limits struct {
	MaxFails  int           // failures in a row after which it is ejected; 0: never
	EjectTime time.Duration // the first time; the nth time n times as long
	Rise      int           // checks in a row that must pass until it is healthy again
	Fall      int           // checks in a row that must fail until it is unhealthy
}

const (
	// refusedFor is how long an upstream that refuses connections is left out.
	refusedFor = 10 * time.Second
	// maxEject bounds the time of an ejection, however many were before it.
	maxEject = 300 * time.Second
	// sweepEvery is the time between two sweeps: each one without a failure takes one ejection off the count.
	sweepEvery = 10 * time.Second
)

// event is what happens to an upstream.
type event uint8

const (
	answered    event = iota // with a response that is no failure
	failed                   // a gateway failure: no response, a late one, or a status that counts as one
	refused                  // there was no connection
	checkPassed              // an active check
	checkFailed
	swept // sweepEvery has passed
)

// action is what follows from an event; each is a record.
type action uint8

const (
	leaveOut     action = iota // it refuses connections
	eject                      // it has failed too often
	markSick                   // its checks fail
	reportCheck                // a check failed; it is still healthy
	takeBack                   // it had refused connections, and answers
	returnIt                   // the time of its ejection is over
	markWell                   // its checks pass again
	keepDoubtful               // it has failed too often, and as many are ejected as may be
)

// health is whether an upstream gets requests, and why not. step is pure: the caller has the lock and does the actions.
type health struct {
	fails     int       // in a row
	failing   bool      // one since the last sweep
	ejections int       // how often it was ejected; healthy sweeps take them off
	ejected   time.Time // until then; zero: it is not
	refused   time.Time // left out until then; zero: it has answered since
	good, bad int       // checks in a row
	sick      bool      // the checks say so
	since     time.Time // in service since then
}

// step changes the state. mayEject: not too many others are ejected.
func (h *health) step(l *Limits, e event, now time.Time, mayEject bool) (out []action) {
	switch e {
	case answered:
		h.fails = 0
		out = h.connected(now)
	case refused:
		if h.refused.IsZero() {
			out = append(out, leaveOut)
		}
		h.refused = now.Add(refusedFor)
		out = append(out, h.fail(l, now, mayEject)...)
	case failed:
		out = h.fail(l, now, mayEject)
	case checkPassed:
		out = h.connected(now)
		h.bad, h.good = 0, h.good+1
		if h.sick && h.good >= l.Rise {
			h.sick, h.since = false, now
			out = append(out, markWell)
		}
	case checkFailed:
		h.good, h.bad = 0, h.bad+1
		switch {
		case h.sick:
		case h.bad >= l.Fall:
			h.sick = true
			out = append(out, markSick)
		case h.bad == 1:
			out = append(out, reportCheck)
		}
	case swept:
		out = h.sweep(now)
	}
	return out
}

// connected: it has taken a connection.
func (h *health) connected(now time.Time) []action {
	if h.refused.IsZero() {
		return nil
	}
	h.refused, h.since = time.Time{}, now
	return []action{takeBack}
}

// fail counts a failure. It gets requests from the end of its ejection on, which may come before the next sweep.
func (h *health) fail(l *Limits, now time.Time, mayEject bool) (out []action) {
	if h.over(now) {
		out = append(out, returnIt)
	}
	h.failing = true
	h.fails++
	switch {
	case l.MaxFails == 0 || h.fails < l.MaxFails || !h.ejected.IsZero():
	case mayEject:
		h.ejections++
		h.ejected = now.Add(min(l.EjectTime*time.Duration(h.ejections), maxEject))
		h.fails = 0
		out = append(out, eject)
	case h.fails == l.MaxFails:
		out = append(out, keepDoubtful)
	}
	return out
}

// over ends an ejection whose time is over, and reports whether there was one.
func (h *health) over(now time.Time) bool {
	if h.ejected.IsZero() || now.Before(h.ejected) {
		return false
	}
	h.ejected, h.fails, h.failing, h.since = time.Time{}, 0, false, now
	return true
}

// sweep ends an ejection, or forgets one where nothing has failed.
func (h *health) sweep(now time.Time) []action {
	if h.over(now) {
		return []action{returnIt}
	}
	if h.ejected.IsZero() && !h.failing && h.ejections > 0 {
		h.ejections--
	}
	h.failing = false
	return nil
}

// outUntil is when it gets requests again; nanoseconds of Unix time; 0: it does now.
func (h *health) outUntil() int64 {
	if h.sick {
		return math.MaxInt64
	}
	until := h.ejected
	if h.refused.After(until) {
		until = h.refused
	}
	if until.IsZero() {
		return 0
	}
	return until.UnixNano()
}

// state is the state at now, and until when it lasts; zero: until a check, or not limited.
func (h *health) state(now time.Time) (State, time.Time) {
	switch {
	case h.sick:
		return Unhealthy, time.Time{}
	case h.ejected.After(now):
		return Ejected, h.ejected
	case h.refused.After(now):
		return Refusing, h.refused
	}
	return Available, time.Time{}
}

// calm reports whether an answer changes nothing.
func (h *health) calm() bool { return h.fails == 0 && h.refused.IsZero() }
