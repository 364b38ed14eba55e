package upstream

import (
	"math"
	"sync"
	"time"
)

// latencyTime is how fast a mean of latencies forgets: what is older counts for less than 37 %.
const latencyTime = 10 * time.Second

// latency is the mean time until an upstream's responses begin. Newer responses count more (an exponentially weighted mean
// over time, so that it does not depend on the number of requests).
type latency struct {
	mu   sync.Mutex
	mean float64 // seconds; while there are few, the least
	few  int     // how many samples there were, up to enough
	last time.Time
}

// enough samples are needed before the mean counts: the first ones of a process that has just started say little, so of these
// the least is taken.
const enough = 10

func (l *latency) add(took time.Duration, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.few == 0:
		l.mean, l.few = took.Seconds(), 1
	case l.few < enough:
		l.mean = min(l.mean, took.Seconds())
		l.few++
	default:
		keep := min(l.kept(now), 0.99) // those that come at one moment count too
		l.mean = l.mean*keep + took.Seconds()*(1-keep)
	}
	l.last = now
}

func (l *latency) kept(now time.Time) float64 {
	return math.Exp(-now.Sub(l.last).Seconds() / latencyTime.Seconds())
}

// forget is for an upstream that comes back into service: it may be another process.
func (l *latency) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mean, l.few = 0, 0
}

// value returns the mean in seconds; 0: too little is known.
func (l *latency) value() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.few < enough {
		return 0
	}
	return l.mean
}

// fadeTime is how fast it is forgotten that an upstream was slower than others.
const fadeTime = 5 * time.Second

// excess is what the mean has above a lesser one, at now. It fades while nothing new is known, so that an upstream that
// was slow is tried again.
func (l *latency) excess(lesser float64, now time.Time) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, l.mean-lesser) * math.Exp(-now.Sub(l.last).Seconds()/fadeTime.Seconds())
}
