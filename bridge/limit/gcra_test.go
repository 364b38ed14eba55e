package limit

import (
	"math/rand/v2"
	"testing"
	"time"
)

// bucket is a model of a Rate: a bucket that leaks a request in each interval. It keeps each request
// that is in it.
type bucket struct {
	rate Rate
	full []int64 // when each request has leaked, in order
}

func (b *bucket) take(now int64) (allowed bool, wait int64) {
	for len(b.full) > 0 && b.full[0] <= now {
		b.full = b.full[1:]
	}
	interval := int64(b.rate.Interval())
	from := now
	if n := len(b.full); n > 0 {
		from = b.full[n-1]
	}
	wait = max(from-now-int64(b.rate.Burst)*interval, 0)
	if wait > int64(b.rate.Delay)*interval {
		return false, 0
	}
	b.full = append(b.full, from+interval)
	return true, wait
}

// Requests at any times get the same verdicts as those of the model.
func TestModel(t *testing.T) {
	t.Parallel()
	rates := []Rate{
		{Count: 10, Per: time.Second}, {Count: 1, Per: time.Second, Burst: 3}, {Count: 100, Per: time.Minute, Burst: 20, Delay: 5}, {Count: 3, Per: time.Second, Delay: 2},
		{Count: 1_000_000, Per: time.Second, Burst: 10}, {Count: 1, Per: 24 * time.Hour, Burst: 1, Delay: 1},
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, rate := range rates {
		model := &bucket{rate: rate}
		at, now := int64(0), int64(1)
		refused, delayed := 0, 0
		for i := range 5000 {
			now += random.Int64N(int64(rate.Interval())*2 + 1)
			if random.IntN(50) == 0 {
				now += int64(rate.Interval()) * int64(rate.Burst+rate.Delay+2)
			}
			if i%3 == 0 {
				now -= random.Int64N(int64(rate.Interval())/2 + 1) // each goroutine reads the clock for itself
			}
			allowed, wait := model.take(now)
			var v Verdict
			at, v = rate.take(at, now)
			if v.Allowed != allowed || int64(v.Wait) != wait {
				t.Fatalf("%+v, request %d at %d: %+v, want %v after %d", rate, i, now, v, allowed, wait)
			}
			if v.Remaining < 0 || v.Remaining > rate.Burst || v.Reset < 0 || v.Allowed == (v.Retry > 0) {
				t.Fatalf("%+v, request %d: %+v", rate, i, v)
			}
			if v.Wait > 0 {
				delayed++
			} else if !v.Allowed {
				refused++
			}
		}
		if refused == 0 || rate.Delay > 0 && delayed == 0 {
			t.Errorf("%+v: %d were refused, %d delayed; the test does not reach the limit", rate, refused, delayed)
		}
	}
}

// Remaining is how many pass at once, Reset when it is one more, Retry when a refused one passes.
func TestVerdict(t *testing.T) {
	t.Parallel()
	rate := Rate{Count: 10, Per: time.Second, Burst: 2}
	const unit = int64(100 * time.Millisecond)
	at := int64(0)
	for i, want := range []Verdict{
		{Allowed: true, Remaining: 2, Reset: time.Duration(unit)}, {Allowed: true, Remaining: 1, Reset: time.Duration(unit)},
		{Allowed: true, Remaining: 0, Reset: time.Duration(unit)}, {Retry: time.Duration(unit), Remaining: 0, Reset: time.Duration(unit)},
	} {
		var v Verdict
		if at, v = rate.take(at, 1000); v != want {
			t.Errorf("request %d: %+v, want %+v", i, v, want)
		}
	}
	_, v := rate.take(at, 1000)
	if _, early := rate.take(at, 1000+int64(v.Retry)-1); early.Allowed {
		t.Errorf("allowed before Retry: %+v", early)
	}
	if _, then := rate.take(at, 1000+int64(v.Retry)); !then.Allowed {
		t.Errorf("not allowed after Retry: %+v", then)
	}
	for now := int64(1000); now < 1000+5*unit; now += unit / 4 { // Remaining requests pass after each one, and Reset later one more
		one, v := rate.take(at, now)
		pass := func(now int64) (n int) {
			for next := one; ; n++ {
				var v Verdict
				if next, v = rate.take(next, now); !v.Allowed {
					return n
				}
			}
		}
		if pass(now) != v.Remaining || pass(now+int64(v.Reset)-1) != v.Remaining || pass(now+int64(v.Reset)) != v.Remaining+1 {
			t.Errorf("at %d: %+v, and %d pass", now, v, pass(now))
		}
	}
	if at, v := (Rate{Count: 1, Per: time.Minute}).take(0, 5); !v.Allowed || at != 5+int64(time.Minute) || v.Reset != time.Minute {
		t.Errorf("the first: %d %+v", at, v)
	}
}

func TestParseRate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Rate{
		"10/s": {Count: 10, Per: time.Second}, "100/m": {Count: 100, Per: time.Minute}, "1/h": {Count: 1, Per: time.Hour}, "5/d": {Count: 5, Per: 24 * time.Hour},
		" 5 / 10s ": {Count: 5, Per: 10 * time.Second}, "30r/m": {Count: 30, Per: time.Minute}, "7/minute": {Count: 7, Per: time.Minute}, "1/15min": {Count: 1, Per: 15 * time.Minute},
	} {
		count, per, err := ParseRate(text)
		if err != nil || count != want.Count || per != want.Per {
			t.Errorf("%q: %d %v %v", text, count, per, err)
			continue
		}
		if c, p, err := ParseRate(FormatRate(count, per)); err != nil || c != count || p != per {
			t.Errorf("%q is written as %q, which is %d %v %v", text, FormatRate(count, per), c, p, err)
		}
	}
	for _, text := range []string{"", "10", "/s", "0/s", "-1/s", "+1/s", "1/0s", "1/x", "1/1w", "1.5/s", "2000000/s", "1/2d", "1/s/s", "9999999999999999999/s", "1/99999999999999999999s", "1/-1s"} {
		if count, per, err := ParseRate(text); err == nil {
			t.Errorf("%q: %d %v", text, count, per)
		}
	}
}

func FuzzParseRate(f *testing.F) {
	for _, s := range []string{"10/s", "5/10s", "30r/m", "1/86400s", "/", "r/s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		count, per, err := ParseRate(s)
		if err != nil {
			return
		}
		if count < 1 || count > mostCount || per < time.Second || per > mostPer {
			t.Fatalf("%q: %d %v", s, count, per)
		}
		if c, p, err := ParseRate(FormatRate(count, per)); err != nil || c != count || p != per {
			t.Fatalf("%q is written as %q", s, FormatRate(count, per))
		}
	})
}
