package monitor

import (
	"sync/atomic"
	"time"
)

// The parts of a request's time.
const (
	whole = iota
	receiving
	waiting
	running
	sending
	phases
)

// source has the numbers of one app, or of one kind of requests that no app answers. Observe adds to it from any goroutine; the
// numbers only grow, except longest. looks and steps belong to the Monitor's lock.
type source struct {
	name                              string
	fixed                             bool // it is no app
	requests, failed, refused, cached atomic.Int64
	sent                              atomic.Int64 // bytes
	times                             [phases]histogram
	longest                           [phases]atomic.Int64 // since the last look, in nanoseconds

	looks []look // the newest last, at the Monitor's ticks
	steps ring
}

// took counts the time of one part.
func (s *source) took(phase int, d time.Duration) {
	for at := &s.longest[phase]; ; {
		old := at.Load()
		if int64(d) <= old || at.CompareAndSwap(old, int64(d)) {
			break
		}
	}
	s.times[phase].add(d)
}

// look is what a source had counted at a tick.
type look struct {
	*numbers                       // shared by looks between which there was no request; nil: there was none before
	longest  [phases]time.Duration // since the look before
}

// numbers are those of a source at one time.
type numbers struct {
	requests, failed, refused, cached, sent int64
	times                                   [phases]counts
}

// read copies the numbers; last are those of the look before, which are returned when there was no request since.
func (s *source) read(last *numbers) *numbers {
	n := s.requests.Load()
	if n == 0 || last != nil && last.requests == n {
		return last
	}
	now := &numbers{requests: n, failed: s.failed.Load(), refused: s.refused.Load(), cached: s.cached.Load(), sent: s.sent.Load()}
	for i := range s.times {
		s.times[i].read(&now.times[i])
	}
	return now
}

// tick adds a look; at most keep are kept.
func (s *source) tick(keep int) {
	var l look
	l.numbers = s.read(s.last())
	for i := range s.longest {
		if s.longest[i].Load() != 0 {
			l.longest[i] = time.Duration(s.longest[i].Swap(0))
		}
	}
	if len(s.looks) >= keep {
		s.looks = append(s.looks[:0], s.looks[len(s.looks)-keep+1:]...)
	}
	s.looks = append(s.looks, l)
}

// last are the numbers of the newest look; nil: there was no request.
func (s *source) last() *numbers {
	if len(s.looks) == 0 {
		return nil
	}
	return s.looks[len(s.looks)-1].numbers
}

// before are the numbers of the look so many looks ago, 0: the newest one; nil: there was no request yet.
func (s *source) before(looks int) *numbers {
	if looks >= len(s.looks) {
		return nil
	}
	return s.looks[len(s.looks)-1-looks].numbers
}

// longestOf is the longest time of a part in the newest looks and, if now, since them.
func (s *source) longestOf(phase, looks int, now bool) time.Duration {
	d := time.Duration(0)
	if now {
		d = time.Duration(s.longest[phase].Load())
	}
	for i := max(len(s.looks)-looks, 0); i < len(s.looks); i++ {
		d = max(d, s.looks[i].longest[phase])
	}
	return d
}

// span is what a source has counted between two times.
type span struct {
	now, then *numbers // nil: nothing was counted
	longest   [phases]time.Duration
	seconds   float64
}

// rate is how much a number has grown, per second.
func (p *span) rate(of func(*numbers) int64) float64 {
	if p.now == nil {
		return 0
	}
	n := of(p.now)
	if p.then != nil {
		n -= of(p.then)
	}
	return float64(n) / p.seconds
}

func (p *span) quantiles(phase int) Quantiles {
	switch {
	case p.now == nil || p.now == p.then:
		return Quantiles{}
	case p.then == nil:
		return quantilesOf(&p.now.times[phase], nil, p.longest[phase])
	}
	return quantilesOf(&p.now.times[phase], &p.then.times[phase], p.longest[phase])
}

// figures are those of an app.
func (p *span) figures(name string) AppFigures {
	f := AppFigures{
		App:      name,
		Requests: p.rate(func(n *numbers) int64 { return n.requests }), Failed: p.rate(func(n *numbers) int64 { return n.failed }),
		Refused: p.rate(func(n *numbers) int64 { return n.refused }), Sent: p.rate(func(n *numbers) int64 { return n.sent }),
		Cached: p.rate(func(n *numbers) int64 { return n.cached }),
		Whole:  p.quantiles(whole), Receiving: p.quantiles(receiving), Waiting: p.quantiles(waiting), Running: p.quantiles(running), Sending: p.quantiles(sending),
	}
	if p.now != nil {
		f.Total = p.now.requests
	}
	return f
}
