package monitor

import (
	"time"

	"github.com/standpipe/standpipe/supervisor"
	"github.com/standpipe/standpipe/supervisor/process"
)

// usage is the processor time of one process.
type usage struct {
	cpu  time.Duration // since its start, at the last step
	at   time.Time
	rate float64 // seconds of processor time per second, in the last step
}

// statesOf asks the pools.
func statesOf(pools []Pool) []state {
	list := make([]state, 0, len(pools))
	for _, p := range pools {
		s := p.Stats()
		one := state{app: p.App(), queue: s.Waiting, busy: s.Busy, workers: s.Ready}
		for _, w := range p.Workers() {
			one.processes = append(one.processes, processState{worker: w.Worker, pid: w.Pid, rss: w.RSS, cpu: process.CPU(w.Pid), up: w.Up})
		}
		list = append(list, one)
	}
	return list
}

// stateRow fills in what the state of a pool tells. mu is held.
func (m *Monitor) stateRow(s *state, now time.Time) *row {
	r := &row{colQueue: float32(s.queue), colBusy: float32(s.busy), colWorkers: float32(s.workers)}
	rss, rate := int64(0), 0.0
	for _, p := range s.processes {
		rss += p.rss
		if p.pid == 0 {
			continue
		}
		u, known := m.used[processKey{p.worker, p.pid}]
		if !known { // it has begun since the last step, or before the Monitor
			u = usage{at: now.Add(-p.up)}
		}
		if d := now.Sub(u.at).Seconds(); d > 0 && p.cpu >= u.cpu {
			u.rate = (p.cpu - u.cpu).Seconds() / max(d, 1)
		}
		u.cpu, u.at = p.cpu, now
		m.used[processKey{p.worker, p.pid}] = u
		rate += u.rate
	}
	r[colRSS], r[colCPU] = float32(rss), float32(rate)
	return r
}

// forgetProcesses forgets those that have ended. mu is held.
func (m *Monitor) forgetProcesses(states []state) {
	alive := map[processKey]bool{}
	for i := range states {
		for _, p := range states[i].processes {
			alive[processKey{p.worker, p.pid}] = true
		}
	}
	for k := range m.used {
		if !alive[k] {
			delete(m.used, k)
		}
	}
}

// processKey tells the processes of one worker apart.
type processKey struct {
	worker string
	pid    int
}

// worker are the figures of one process.
func (m *Monitor) worker(w *supervisor.WorkerInfo) WorkerFigures {
	m.mu.Lock()
	defer m.mu.Unlock()
	return WorkerFigures{Worker: w.Worker, Pid: w.Pid, CPU: m.used[processKey{w.Worker, w.Pid}].rate}
}
