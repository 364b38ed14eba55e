package supervisor

import "time"

// alignedTicker is a ticker whose ticks come at whole multiples of its period, in all pools at
// the same moment: two hundred of them wake an idle process once, not two hundred
// times.
type alignedTicker struct {
	every time.Duration // 0: never
	timer *time.Timer   // nil: it was never waited for
	armed bool
}

// next returns the channel to wait for; nil, which never gets a value, unless it is wanted. over must be called after each tick.
func (t *alignedTicker) next(wanted bool) <-chan time.Time {
	if !wanted || t.every <= 0 {
		t.stop()
		return nil
	}
	if !t.armed {
		now := time.Now()
		wait := now.Truncate(t.every).Add(t.every).Sub(now)
		if t.timer == nil {
			t.timer = time.NewTimer(wait)
		} else {
			t.timer.Reset(wait)
		}
		t.armed = true
	}
	return t.timer.C
}

// over: the tick was received.
func (t *alignedTicker) over() { t.armed = false }

func (t *alignedTicker) stop() {
	if t.timer != nil {
		t.timer.Stop()
	}
	t.armed = false
}
