package limit

import "time"

// shared asks the Store. The reason is "store" while that is away.
func (l *limiter) shared(s *subject) (v Verdict, reason string) {
	reason = "rate"
	v, err := l.o.Store.Take(l.storeKey(s), l.o.Rate)
	if err != nil {
		v, reason = Verdict{Allowed: !l.o.FailClosed, Retry: time.Second}, "store"
	}
	l.o.State.count(s.hash, v)
	return v, reason
}

func (l *limiter) storeKey(s *subject) string { return l.o.Name + ":" + l.o.Key.digest(s) }

// giveBack gives back a request that was allowed.
func (l *limiter) giveBack(s *subject) {
	if l.o.Store == nil {
		l.o.State.giveBack(s.hash, l.o.Rate)
	} else {
		l.o.Store.GiveBack(l.storeKey(s), l.o.Rate)
	}
}
