package supervisor

import "time"

// timers are the timers of one machine on one timer of the runtime.
type timers struct {
	at   [timerCount]time.Time // zero: off
	next *time.Timer           // nil: never armed
}

// arm sets a timer; 0 switches it off.
func (t *timers) arm(which timer, now time.Time, after time.Duration) {
	if t.at[which] = (time.Time{}); after > 0 {
		t.at[which] = now.Add(after)
	}
}

func (t *timers) disarm(which timer) { t.at[which] = time.Time{} }

// first returns the timer that is due first; false: all are off.
func (t *timers) first() (which timer, on bool) {
	for i, at := range t.at {
		if !at.IsZero() && (!on || at.Before(t.at[which])) {
			which, on = timer(i), true
		}
	}
	return which, on
}

// wait returns a channel that gets a value when a timer is due; nil: all are off.
func (t *timers) wait(now time.Time) <-chan time.Time {
	which, on := t.first()
	if !on {
		t.stop()
		return nil
	}
	left := t.at[which].Sub(now)
	if t.next == nil {
		t.next = time.NewTimer(left)
	} else {
		t.next.Reset(left)
	}
	return t.next.C
}

// due returns a timer that is due, and switches it off.
func (t *timers) due(now time.Time) (timer, bool) {
	which, on := t.first()
	if !on || t.at[which].After(now) {
		return 0, false
	}
	t.disarm(which)
	return which, true
}

func (t *timers) stop() {
	if t.next != nil {
		t.next.Stop()
	}
}
