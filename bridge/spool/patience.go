package spool

import "time"

// patience is how long the source of a response may wait for its client, in all: what a Pipe does for a client that keeps up
// costs more.
const patience = 10 * time.Millisecond

// Patience counts the time for which a response has waited for its client, so that a Pipe takes the rest when that
// is too long. Its owner's mutex guards it. The zero Patience has counted nothing.
type Patience struct {
	since time.Time // when the wait began; zero: there is none
	used  time.Duration
	timer *time.Timer // nil: no wait has begun yet
}

// Wait begins a wait. over is called, on a goroutine of its own, when the patience is used up; it asks UsedUp.
func (p *Patience) Wait(over func()) {
	p.since = time.Now()
	if p.timer == nil {
		p.timer = time.AfterFunc(patience-p.used, over)
	} else {
		p.timer.Reset(patience - p.used)
	}
}

// Waited ends a wait, if there is one.
func (p *Patience) Waited() {
	if !p.since.IsZero() {
		p.timer.Stop()
		p.used += time.Since(p.since)
		p.since = time.Time{}
	}
}

// UsedUp reports whether a wait is under way that has used up the patience, and ends it. Not so where the wait has ended,
// and the call of over is late.
func (p *Patience) UsedUp() bool {
	if p.since.IsZero() || p.used+time.Since(p.since) < patience {
		return false
	}
	p.since = time.Time{}
	return true
}

// Stop stops the timer; a call of over may still be under way.
func (p *Patience) Stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
}
