package limit

import "time"

// Rate is how many requests of one key are allowed, and what happens to those above it. The zero
// Rate allows all.
type Rate struct {
	// Count requests are allowed in each Per.
	Count int
	Per   time.Duration
	// Burst is how many more pass at once.
	Burst int
	// Delay is how many above Burst pass later, in the pace of the rate.
	Delay int
}

// Interval is the time between two requests of a steady client.
func (r Rate) Interval() time.Duration {
	if r.Count <= 0 {
		return 0
	}
	return max(r.Per/time.Duration(r.Count), 1)
}

// Verdict is what happens to a request.
type Verdict struct {
	// Allowed: the request passes, after Wait.
	Allowed bool
	Wait    time.Duration
	// Retry is when the next one would be allowed, if this one is not.
	Retry time.Duration
	// Remaining is how many requests would pass at once now, Reset when there is one more. Reset is 0
	// for a key that has sent nothing.
	Remaining int
	Reset     time.Duration
}

// Judge is the verdict on a request of a key whose time is ahead of now by that much.
func (r Rate) Judge(ahead time.Duration) Verdict {
	_, v := r.take(int64(ahead), 0)
	return v
}

// take asks for one request at the time now. at is the time at which the key is as if it had sent
// nothing; next is that after the request. All times are in nanoseconds of one clock.
func (r Rate) take(at, now int64) (next int64, v Verdict) {
	interval := int64(r.Interval())
	ahead := max(at-now, 0)
	burst := int64(r.Burst) * interval
	wait := ahead - burst
	switch {
	case wait <= 0:
		v.Allowed = true
	case wait <= int64(r.Delay)*interval:
		v.Allowed, v.Wait = true, time.Duration(wait)
	default:
		v.Retry = time.Duration(wait - int64(r.Delay)*interval)
	}
	if v.Allowed {
		ahead += interval
	}
	if left := burst + interval - ahead; left >= 0 && interval > 0 {
		v.Remaining = int(left / interval)
	}
	if interval > 0 {
		// Capacity comes back one interval at a time: the next one when ahead is a whole number of them.
		missing := ahead - burst - interval + int64(v.Remaining+1)*interval
		v.Reset = time.Duration(min(missing, ahead))
	}
	return now + ahead, v
}
