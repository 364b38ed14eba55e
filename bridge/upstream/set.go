package upstream

import (
	"iter"
	"math/bits"
)

// Set is some of the members of a Group, a bit for each.
type Set uint64

// Has reports whether member i is in the set.
func (s Set) Has(i int) bool { return s&(1<<i) != 0 }

// With is the set with member i.
func (s Set) With(i int) Set { return s | 1<<i }

// Len is how many members there are.
func (s Set) Len() int { return bits.OnesCount64(uint64(s)) }

// All ranges over the members in their order.
func (s Set) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for ; s != 0; s &= s - 1 {
			if !yield(bits.TrailingZeros64(uint64(s))) {
				return
			}
		}
	}
}
