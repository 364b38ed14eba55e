package supervisor

import "time"

// beat is a ticker whose ticks fall on whole multiples of its period, in all pools at
// the same moment: two hundred of them wake an idle process once, not two hundred
// times.
type beat struct {
	every time.Duration // 0: never
	timer *time.Timer   // nil: it was never waited for
	armed bool
}

// next is what to wait for; nil, for ever, unless it is wanted. After each tick over
// is to be called.
func (b *beat) next(wanted bool) <-chan time.Time {
	if !wanted || b.every <= 0 {
		b.stop()
		return nil
	}
	if !b.armed {
		now := time.Now()
		wait := now.Truncate(b.every).Add(b.every).Sub(now)
		if b.timer == nil {
			b.timer = time.NewTimer(wait)
		} else {
			b.timer.Reset(wait)
		}
		b.armed = true
	}
	return b.timer.C
}

// over: the tick has been received.
func (b *beat) over() { b.armed = false }

func (b *beat) stop() {
	if b.timer != nil {
		b.timer.Stop()
	}
	b.armed = false
}
