package supervisor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/standpipe/standpipe/shim"
)

// inspector reports the present state of a pool.
type inspector struct {
	*core
	dispatch *dispatcher
	fleet    *fleet
}

// stats returns what the pool is doing.
func (i *inspector) stats() Stats {
	i.mu.Lock()
	defer i.mu.Unlock()
	d := i.dispatch
	s := Stats{
		App: i.app, Generation: i.gen.number, Release: i.gen.release, Reloading: i.next != nil, Workers: len(i.fleet.slots), Ready: servingOf(d),
		Waiting: d.queue.len(), Limit: i.gen.Queue, Oldest: d.queue.oldest(), Queued: d.queue.labels(),
		EverUp: d.everUp, Stopping: i.stopping, Paused: d.paused, Asleep: i.started && len(i.fleet.slots) == 0, Counts: i.count,
	}
	if d.bootsFail && !d.unserved.IsZero() && !s.Asleep {
		s.Unserved = time.Since(d.unserved)
	}
	s.Counts.Exits = make(map[ExitKind]int64, len(i.count.Exits))
	for k, n := range i.count.Exits {
		s.Counts.Exits[k] = n
	}
	placed := 0
	for _, slot := range i.fleet.slots {
		if w := slot.current; w != nil && slices.Contains(i.fleet.roster.workers, w) {
			placed++
		}
		switch i.slotState(slot) {
		case slotIdle:
			s.Idle++
		case slotBusy:
			s.Busy++
		case slotBooting:
			s.Booting++
		case slotDraining:
			s.Draining++
		case slotBackingOff:
			s.BackingOff++
		}
	}
	s.Surplus = len(i.fleet.roster.workers) - placed
	return s
}

// slotState is the state of a slot in Stats.
type slotState int

const (
	slotIdle slotState = iota
	slotBusy
	slotBooting
	slotDraining
	slotBackingOff
)

// slotState returns what a slot does. mu is held.
func (i *inspector) slotState(s *slot) slotState {
	w := s.current
	switch {
	case s.resting:
		return slotBackingOff
	case w == nil || w.State() < Serving:
		if failing, booting := i.gen.boots.state(); failing && booting == 0 {
			return slotBackingOff
		}
		return slotBooting
	case !w.serving && w.State() == Exited:
		return slotBooting
	case !w.serving:
		return slotDraining
	case w.inFlight > 0:
		return slotBusy
	}
	return slotIdle
}

// workers returns what each worker that has a process is doing.
func (i *inspector) workers() []WorkerInfo {
	i.mu.Lock()
	infos := make([]WorkerInfo, 0, len(i.fleet.roster.workers))
	conns := make([]*shim.Conn, 0, len(i.fleet.roster.workers))
	for _, w := range i.fleet.roster.workers {
		info := WorkerInfo{Who: w.who, State: w.State(), Release: w.gen.release, Served: w.served, RSS: w.rss.Load()}
		if !w.started.IsZero() {
			info.Up = time.Since(w.started).Round(time.Millisecond)
		}
		for _, s := range i.fleet.slots {
			if s.current == w {
				info.Due = s.due
			}
		}
		infos, conns = append(infos, info), append(conns, w.conn)
	}
	i.mu.Unlock()
	for i, c := range conns {
		if c != nil {
			infos[i].InFlight = c.InFlight()
		}
	}
	return infos
}

// dump returns the stacks of all threads of the worker in the slot (from 0), which
// continues. It is empty when the worker cannot be asked.
func (i *inspector) dump(ctx context.Context, number int) (string, error) {
	i.mu.Lock()
	var w *Worker
	if number >= 0 && number < len(i.fleet.slots) {
		w = i.fleet.slots[number].current
	}
	i.mu.Unlock()
	if w == nil {
		return "", fmt.Errorf("no worker %s/%d runs", i.app, number+1)
	}
	answer := make(chan string, 1)
	select {
	case w.inputs.dumps <- answer:
	case <-w.gone:
		return "", fmt.Errorf("worker %s/%d has just ended", i.app, number+1)
	case <-ctx.Done():
		return "", ctx.Err()
	}
	select {
	case text := <-answer:
		return text, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
