package upstream

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Policy chooses among upstreams.
type Policy interface {
	// Pick returns one of the members in among, which is not empty. key is what the Policy's kind of keys are made of; empty:
	// the request has none.
	Pick(all []*Member, among Set, key string, now time.Time) int
}

// RoundRobin sends to one upstream after the other, and to none of them in blocks: of the weights 3 and 1 comes a a b a.
type RoundRobin struct {
	mu      sync.Mutex
	current [Max]float64
	of      **Member // the list that current is of
}

// Pick is of Policy. Every member earns its weight; the richest one pays what all have earned.
func (p *RoundRobin) Pick(all []*Member, among Set, _ string, now time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of != &all[0] {
		p.of, p.current = &all[0], [Max]float64{}
	}
	best, sum := -1, 0.0
	for i := range among.All() {
		w := all[i].weight(now)
		p.current[i] += w
		sum += w
		if best < 0 || p.current[i] > p.current[best] {
			best = i
		}
	}
	p.current[best] -= sum
	return best
}

// LeastConn sends to the upstream with the fewest requests in relation to its weight; among equal ones round-robin.
type LeastConn struct{ equal RoundRobin }

// Pick is of Policy.
func (p *LeastConn) Pick(all []*Member, among Set, _ string, now time.Time) int {
	var best Set
	least := 0.0
	for i := range among.All() {
		switch load := all[i].load(now); {
		case best == 0 || load < least:
			best, least = Set(0).With(i), load
		case load == least:
			best = best.With(i)
		}
	}
	return p.equal.Pick(all, best, "", now)
}

// TwoChoices takes two upstreams at random, by their weights, and sends to the one with the lower cost: the requests that
// it has (and this one), in relation to its weight, times the time that a response is expected to take. Times that
// differ by less than half, or are below a millisecond, count as equal: otherwise chance would make one of several equal
// upstreams the favourite.
type TwoChoices struct {
	// Random returns a number of [0, 1); nil: math/rand/v2.
	Random func() float64
}

const (
	sameDelay = 1.5
	tinyDelay = 0.001 // seconds
)

// Pick is of Policy.
func (p *TwoChoices) Pick(all []*Member, among Set, _ string, now time.Time) int {
	a := p.draw(all, among, now)
	rest := among &^ (1 << a)
	if rest == 0 {
		return a
	}
	b := p.draw(all, rest, now)
	costA, costB := all[a].load(now), all[b].load(now)
	if x, y := all[a].delay(now), all[b].delay(now); x > 0 && y > 0 {
		if x < y {
			costB *= ratio(all[b], y, x, now)
		} else {
			costA *= ratio(all[a], x, y, now)
		}
	}
	if costB < costA {
		return b
	}
	return a
}

// ratio is how many times the delay of m is that of another upstream, which is lesser.
func ratio(m *Member, delay, lesser float64, now time.Time) float64 {
	lesser = max(lesser, tinyDelay)
	if delay <= lesser*sameDelay {
		return 1
	}
	if r := m.slower(lesser, now) / lesser; r > sameDelay {
		return r
	}
	return 1
}

// draw takes one at random, by weight.
func (p *TwoChoices) draw(all []*Member, among Set, now time.Time) int {
	sum := 0.0
	for i := range among.All() {
		sum += all[i].weight(now)
	}
	var at float64
	if p.Random != nil {
		at = p.Random() * sum
	} else {
		at = rand.Float64() * sum
	}
	last := -1
	for i := range among.All() {
		last = i
		if at -= all[i].weight(now); at < 0 {
			break
		}
	}
	return last
}
