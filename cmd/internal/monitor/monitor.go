package monitor

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/cmd/internal/journal"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/supervisor"
)

const (
	tick = time.Second
	// windowTicks is how many ticks the rates and quantiles of Figures cover.
	windowTicks = 10
	// stepTicks is how many ticks one step of History takes.
	stepTicks = 5
)

// Pool is what is asked of the workers of an app.
type Pool interface {
	App() string
	Stats() supervisor.Stats
	Workers() []supervisor.WorkerInfo
}

// Options are what a Monitor works with.
type Options struct {
	// Pools are those of the present apps, in the order of the configuration; it is called from any goroutine.
	Pools func() []Pool
	// Log has the records of slow requests.
	Log hclog.Logger
}

// Monitor keeps the figures. Observe, Event and Mark may be called at all times, from any goroutine.
type Monitor struct {
	o                              Options
	byApp                          atomic.Pointer[map[string]*source] // replaced, never changed
	static, routes, server, others *source
	slow                           slow
	marks                          marks

	mu    sync.Mutex
	began time.Time
	ticks int         // since the start
	times []time.Time // of the looks, the newest last
	steps time.Time   // of the newest step; zero: there is none
	used  map[processKey]usage
}

// New returns a Monitor. Run must run, so that it covers more than the time since the last tick.
func New(o Options) *Monitor {
	m := &Monitor{o: o, static: &source{name: "static", fixed: true}, routes: &source{name: "routes", fixed: true}, server: &source{name: "server", fixed: true}, others: &source{name: "others", fixed: true}, slow: slow{log: o.Log}, began: time.Now(), used: map[processKey]usage{}}
	m.byApp.Store(&map[string]*source{})
	return m
}

// Slow sets from which time on a request is slow; 0: none is. records: each has a record when it has ended.
func (m *Monitor) Slow(threshold time.Duration, records bool) {
	m.slow.threshold.Store(int64(threshold))
	m.slow.records.Store(records)
}

// Event is a subscriber of supervisor events.
func (m *Monitor) Event(e supervisor.Event) {
	if mark, ok := markOf(e); ok {
		m.Mark(mark)
	}
	if expired, ok := e.(supervisor.RequestExpired); ok {
		m.slow.at(expired.Request.Label.ID, journal.Stuck(expired.Stacks))
	}
}

// Mark notes that something happened; without At, now.
func (m *Monitor) Mark(mark Mark) {
	m.marks.add(mark)
}

// Dumped notes where a worker is, as a command has asked it: the line is that of the request that it runs, if it is a single one.
func (m *Monitor) Dumped(worker, stacks string) {
	for _, p := range m.o.Pools() {
		if !strings.HasPrefix(worker, p.App()+"/") {
			continue
		}
		for _, w := range p.Workers() {
			if w.Worker != worker || len(w.InFlight) == 0 {
				continue
			}
			if len(w.InFlight) == 1 && !w.InFlight[0].Answered {
				m.slow.at(w.InFlight[0].Label.ID, journal.Stuck(stacks))
			}
		}
	}
}

// Run takes the looks, until ctx ends.
func (m *Monitor) Run(ctx context.Context) {
	m.mu.Lock()
	m.began = time.Now() // no request was served before: the first step is as long as the others
	m.mu.Unlock()
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			m.tick(now)
		}
	}
}

// tick takes one look at everything.
func (m *Monitor) tick(now time.Time) {
	var states []state
	m.mu.Lock()
	due := (m.ticks+1)%stepTicks == 0
	m.mu.Unlock()
	pools := m.o.Pools()
	if due { // pools have locks of their own
		states = statesOf(pools)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.prune(pools)
	for _, s := range m.sources(pools) {
		s.tick(windowTicks + 1)
	}
	m.ticks++
	if len(m.times) > windowTicks {
		m.times = append(m.times[:0], m.times[len(m.times)-windowTicks:]...)
	}
	m.times = append(m.times, now)
	if due {
		m.step(pools, states, now)
	}
}

// prune forgets apps that are not there any more. mu is held.
func (m *Monitor) prune(pools []Pool) {
	old := *m.byApp.Load()
	present := make(map[string]*source, len(pools))
	for _, p := range pools {
		if s := old[p.App()]; s != nil {
			present[p.App()] = s
		} else if len(present) < maxApps {
			present[p.App()] = &source{name: p.App()}
		}
	}
	same := len(old) == len(present)
	for app := range present {
		same = same && old[app] != nil
	}
	if !same {
		m.byApp.Store(&present)
	}
}

// sources are the apps that are counted, in the order of pools, and then the others.
func (m *Monitor) sources(pools []Pool) []*source {
	list := make([]*source, 0, len(pools)+4)
	byApp := *m.byApp.Load()
	for _, p := range pools {
		if s := byApp[p.App()]; s != nil {
			list = append(list, s)
		}
	}
	return append(list, m.others, m.static, m.routes, m.server)
}

// Figures are those of the last seconds, of one app or (empty) of all.
func (m *Monitor) Figures(app string) Figures {
	now := time.Now()
	pools := m.o.Pools()
	f := Figures{At: now, Threshold: time.Duration(m.slow.threshold.Load()).Seconds(), Apps: []AppFigures{}, Workers: []WorkerFigures{}}
	slow := []SlowRequest{}
	for _, p := range pools {
		if app != "" && p.App() != app {
			continue
		}
		for _, w := range p.Workers() {
			f.Workers = append(f.Workers, m.worker(&w))
			for i := range w.InFlight {
				if s, ok := m.slow.runs(p.App(), w.Worker, &w.InFlight[i], now); ok {
					slow = append(slow, s)
				}
			}
		}
		for _, l := range p.Stats().Queued {
			if s, ok := m.slow.runs(p.App(), "", &shim.InFlight{Label: l}, now); ok && !slices.ContainsFunc(slow, func(o SlowRequest) bool { return o.ID == s.ID }) {
				slow = append(slow, s) // its worker may have died in between
			}
		}
	}
	slices.SortStableFunc(slow, func(a, b SlowRequest) int { return a.Started.Compare(b.Started) })
	f.Slow, f.Marks = m.slow.all(app, slow, now), m.marks.all(app, now)
	m.mu.Lock()
	defer m.mu.Unlock()
	then, looks := m.began, len(m.times)
	if looks > windowTicks {
		then, looks = m.times[len(m.times)-windowTicks], windowTicks-1
	}
	f.Span = now.Sub(then).Seconds()
	for _, s := range m.sources(pools) {
		if app != "" && s.name != app || s.requests.Load() == 0 {
			continue
		}
		f.Apps = append(f.Apps, s.since(looks, f.Span))
	}
	return f
}

// since are the figures from the look so many looks ago until now.
func (s *source) since(looks int, seconds float64) AppFigures {
	p := span{now: s.read(s.last()), then: s.before(looks), seconds: max(seconds, 1)}
	for i := range p.longest {
		p.longest[i] = s.longestOf(i, looks, true)
	}
	return p.figures(s.name)
}
