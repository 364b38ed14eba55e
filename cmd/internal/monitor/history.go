package monitor

import (
	"time"
)

const (
	stepTime = stepTicks * tick
	maxSteps = int(keepTime / stepTime)
)

// The columns of a ring.
const (
	colRequests = iota
	colFailed
	colP50
	colP95
	colP99
	colWaiting
	colQueue
	colBusy
	colWorkers
	colRSS
	colCPU
	colCached
	columns
)

// row is one step of an app.
type row [columns]float32

// ring has the rows of the last hour. It takes memory as it fills.
type ring struct {
	rows []row // at most maxSteps
	next int   // where the next one goes, once all places are used
}

func (r *ring) add(one row) {
	if len(r.rows) < maxSteps {
		r.rows = append(r.rows, one)
		return
	}
	r.rows[r.next] = one
	r.next = (r.next + 1) % maxSteps
}

// column returns one number of all rows, the oldest first.
func (r *ring) column(c int) []float32 {
	list := make([]float32, 0, len(r.rows))
	for i := range r.rows {
		list = append(list, r.rows[(r.next+i)%len(r.rows)][c])
	}
	return list
}

// step adds a row to each source. states are those of the pools. mu is held.
func (m *Monitor) step(pools []Pool, states []state, now time.Time) {
	then, looks := m.began, stepTicks
	if len(m.times) > stepTicks {
		then = m.times[len(m.times)-1-stepTicks]
	}
	missed := 0 // steps, while the machine slept
	if !m.steps.IsZero() {
		missed = min(int((now.Sub(m.steps)+stepTime/2)/stepTime)-1, maxSteps)
	}
	m.steps = now
	seconds := max(now.Sub(then).Seconds(), 1)
	rows := make(map[string]*row, len(states))
	for i := range states {
		rows[states[i].app] = m.stateRow(&states[i], now)
	}
	m.forgetProcesses(states)
	for _, s := range m.sources(pools) {
		p := span{now: s.last(), then: s.before(looks), seconds: seconds}
		for i := range p.longest {
			p.longest[i] = s.longestOf(i, looks, false)
		}
		one, begun := &row{}, len(s.steps.rows) > 0
		switch known := rows[s.name]; {
		case s.fixed && p.now == nil && !begun:
			continue // no request yet
		case !s.fixed && known != nil:
			one = known
		}
		for range missed {
			if begun {
				s.steps.add(row{})
			}
		}
		f := p.figures(s.name)
		one[colRequests], one[colFailed], one[colCached] = float32(f.Requests), float32(f.Failed), float32(f.Cached)
		one[colP50], one[colP95], one[colP99], one[colWaiting] = float32(f.Whole.P50), float32(f.Whole.P95), float32(f.Whole.P99), float32(f.Waiting.P95)
		s.steps.add(*one)
	}
}

// History is the last hour, of one app or (empty) of all.
func (m *Monitor) History(app string) History {
	pools := m.o.Pools()
	m.mu.Lock()
	defer m.mu.Unlock()
	h := History{At: m.steps, Step: stepTime.Seconds(), Apps: []AppHistory{}}
	if h.At.IsZero() {
		h.At = m.began
	}
	for _, s := range m.sources(pools) {
		if r := &s.steps; len(r.rows) > 0 && (app == "" || app == s.name) {
			h.Apps = append(h.Apps, AppHistory{App: s.name, Requests: r.column(colRequests), Failed: r.column(colFailed), P50: r.column(colP50), P95: r.column(colP95), P99: r.column(colP99),
				Waiting: r.column(colWaiting), Queue: r.column(colQueue), Busy: r.column(colBusy), Workers: r.column(colWorkers), RSS: r.column(colRSS), CPU: r.column(colCPU), Cached: r.column(colCached)})
		}
	}
	return h
}

// state is that of a pool at one time.
type state struct {
	app                  string
	queue, busy, workers int
	processes            []processState
}

// processState is that of one worker.
type processState struct {
	worker string
	pid    int
	rss    int64
	cpu    time.Duration // since its start
	up     time.Duration
}
