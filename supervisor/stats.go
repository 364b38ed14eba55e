package supervisor

import (
	"context"
	"fmt"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/supervisor/process"
)

// Counts only grow, over all workers that the pool has had.
type Counts struct {
	// Served requests; the refused ones; boots that failed.
	Served, QueueFull, QueueTimeouts, BootFailures int64
	// PrefetchStuck requests had to wait behind one in a worker that could not give
	// them back.
	PrefetchStuck int64
	// Started workers, and how those that ended did: by cause ("exit:0", "signal:9",
	// "oom") and reason ("none", "reload").
	Started int64
	Exits   map[ExitKind]int64
}

// ExitKind is why and how a worker ended.
type ExitKind struct{ Cause, Reason string }

// Stats is what a pool is doing at this moment.
type Stats struct {
	App string
	// Generation that serves, and the folder that it was made from, links resolved
	// (empty: not known); Reloading: a newer one boots.
	Generation int
	Release    string
	Reloading  bool
	// Workers is the number of slots. Each is in one of these: Idle + Busy + Booting
	// + Draining + BackingOff == Workers.
	Workers                                   int
	Idle, Busy, Booting, Draining, BackingOff int
	// Surplus workers live beside those of the slots: they boot to replace one, or
	// finish what they run.
	Surplus int
	// Ready of workers take requests; Waiting of at most Limit (0: no limit) requests
	// are in the line, the first of them for Oldest.
	Ready, Waiting, Limit int
	Oldest                time.Duration
	// Unserved is for how long no worker has taken requests while boots fail; 0: one
	// does, or the first boot since is still under way.
	Unserved time.Duration
	// EverUp: a worker has been ready once. Stopping: Stop or Kill was called.
	// Paused: Pause was. Asleep: IdleStop has stopped all.
	EverUp, Stopping, Paused, Asleep bool
	Counts                           Counts
}

// WorkerInfo is one worker at this moment.
type WorkerInfo struct {
	Who
	State State
	// Release is the folder that its generation was made from; empty: not known.
	Release string
	// Reason why it leaves; None: it does not. It is only known of those that a
	// replacement boots for.
	Due    Reason
	Up     time.Duration
	Served int64
	// RSS in octets when it was last looked at; 0: it was not.
	RSS int64
	// PSS is the resident size with each shared page divided by those who share it,
	// in octets, read at the call; 0: unknown.
	PSS      int64
	InFlight []shim.InFlight
}

// TemplateInfo is a template at this moment.
type TemplateInfo struct {
	Who
	// Ready: it has imported the app.
	Ready bool
	Up    time.Duration
	// Forks is how many workers it has made.
	Forks int
	// PSS as a worker's.
	PSS int64
}

// Templates returns the processes that fork the workers, the oldest first; none
// without Options.Preload.
func (p *Pool) Templates() []TemplateInfo {
	p.mu.Lock()
	infos := make([]TemplateInfo, 0, len(p.templates))
	for _, t := range p.templates {
		infos = append(infos, TemplateInfo{Who: t.who, Ready: t.isUp, Up: time.Since(t.started).Round(time.Millisecond), Forks: t.forks})
	}
	p.mu.Unlock()
	for i := range infos {
		infos[i].PSS = process.PSS(infos[i].Pid)
	}
	return infos
}

// Stats returns what the pool is doing.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Stats{
		App: p.opts.App, Generation: p.gen.number, Release: p.gen.release, Reloading: p.next != nil, Workers: len(p.slots), Ready: len(p.able),
		Waiting: p.line.len(), Limit: p.gen.Queue, Oldest: p.line.oldest(),
		EverUp: p.everUp, Stopping: p.stopping, Paused: p.paused, Asleep: p.started && len(p.slots) == 0, Counts: p.count,
	}
	if p.bootsFail && !p.unserved.IsZero() && !s.Asleep {
		s.Unserved = time.Since(p.unserved)
	}
	s.Counts.Exits = make(map[ExitKind]int64, len(p.count.Exits))
	for k, n := range p.count.Exits {
		s.Counts.Exits[k] = n
	}
	seated := 0
	for _, slot := range p.slots {
		if slot.seat != nil {
			for _, w := range p.workers {
				if w == slot.seat {
					seated++
				}
			}
		}
		switch {
		case slot.resting:
			s.BackingOff++
		case slot.seat == nil || slot.seat.State() < Serving:
			if failing, booting := p.gen.boots.state(); failing && booting == 0 {
				s.BackingOff++
			} else {
				s.Booting++
			}
		case !slot.seat.serving && slot.seat.State() == Exited:
			s.Booting++
		case !slot.seat.serving:
			s.Draining++
		case slot.seat.inFlight > 0:
			s.Busy++
		default:
			s.Idle++
		}
	}
	s.Surplus = len(p.workers) - seated
	return s
}

// Workers returns what each worker that has a process is doing.
func (p *Pool) Workers() []WorkerInfo {
	p.mu.Lock()
	infos := make([]WorkerInfo, 0, len(p.workers))
	conns := make([]*shim.Conn, 0, len(p.workers))
	for _, w := range p.workers {
		info := WorkerInfo{Who: w.who, State: w.State(), Release: w.gen.release, Served: w.served, RSS: w.rss.Load()}
		if !w.started.IsZero() {
			info.Up = time.Since(w.started).Round(time.Millisecond)
		}
		for _, s := range p.slots {
			if s.seat == w {
				info.Due = s.due
			}
		}
		infos, conns = append(infos, info), append(conns, w.conn)
	}
	p.mu.Unlock()
	for i, c := range conns {
		if c != nil {
			infos[i].PSS = process.PSS(infos[i].Pid)
			infos[i].InFlight = c.InFlight()
		}
	}
	return infos
}

// exited counts a worker's end, and returns how many requests it has served.
func (p *Pool) exited(w *Worker, why Reason, e process.Exit) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count.Exits == nil {
		p.count.Exits = map[ExitKind]int64{}
	}
	p.count.Exits[ExitKind{e.Cause(), why.String()}]++
	return w.served
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
	for _, w := range p.workers {
		if w.inFlight > 0 {
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

// Dump returns the stacks of all threads of the worker in the slot (from 0), which
// goes on. It is empty when the worker cannot be asked.
func (p *Pool) Dump(ctx context.Context, number int) (string, error) {
	p.mu.Lock()
	var w *Worker
	if number >= 0 && number < len(p.slots) {
		w = p.slots[number].seat
	}
	p.mu.Unlock()
	if w == nil {
		return "", fmt.Errorf("no worker %s/%d runs", p.opts.App, number+1)
	}
	answer := make(chan string, 1)
	select {
	case w.inputs.dumps <- answer:
	case <-w.gone:
		return "", fmt.Errorf("worker %s/%d has just ended", p.opts.App, number+1)
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
