package cachestore

import "sync/atomic"

// Stats are what was counted since the start.
type Stats struct {
	// Address is the server's.
	Address string
	// Away: the server does not answer, and the memory is alone.
	Away bool
	// Loads are the questions to the server, and Found those with an Answer.
	Loads, Found int64
	// Saved, Large and Damaged are the Answers that were stored, those that were not as they are too
	// large (or have too many groups), and those that were damaged and are removed.
	Saved, Large, Damaged int64
}

type counts struct{ loads, found, saved, large, damaged atomic.Int64 }

// Stats returns them.
func (s *Store) Stats() Stats {
	c := &s.counts
	return Stats{
		Address: s.peer.server.Address, Away: s.peer.link.Load() == nil,
		Loads: c.loads.Load(), Found: c.found.Load(), Saved: c.saved.Load(), Large: c.large.Load(), Damaged: c.damaged.Load(),
	}
}
