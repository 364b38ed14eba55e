package supervisor

import "github.com/standpipe/standpipe/shim"

// Stats is what a pool is doing at this moment.
type Stats struct {
	// Workers is the number of slots, Ready of workers that take requests, Busy
	// of those that run one, Waiting of requests in the line.
	Workers, Ready, Busy, Waiting int
	// EverUp: a worker has been ready once. Stopping: Stop or Kill was called.
	EverUp, Stopping bool
}

// Stats returns what the pool is doing.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Stats{Workers: len(p.seats), Ready: p.ready, Waiting: p.line.len(), EverUp: p.everUp, Stopping: p.stopping}
	for _, w := range p.seats {
		if w != nil && w.inFlight > 0 {
			s.Busy++
		}
	}
	return s
}

// BusyWorker is a worker and what it runs.
type BusyWorker struct {
	Worker   string
	InFlight []shim.InFlight
}

// Busy returns the workers that run something.
func (p *Pool) Busy() []BusyWorker {
	p.mu.Lock()
	var busy []*Worker
	for _, w := range p.seats {
		if w != nil && w.inFlight > 0 {
			busy = append(busy, w)
		}
	}
	p.mu.Unlock()
	list := make([]BusyWorker, 0, len(busy))
	for _, w := range busy {
		list = append(list, BusyWorker{w.who.Worker, w.conn.InFlight()})
	}
	return list
}
