package top

import (
	"slices"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/monitor"
)

// Model is what is shown.
type Model struct {
	socket  string // of the server
	foreign string // why nothing may be changed; empty: it may
	every   time.Duration
	w, h    int
	now     time.Time

	shown  *snapshot // nil: nothing has arrived
	newest *snapshot // that arrived during a pause; nil: there is none
	lost   *Lost     // nil: the server answers
	past   past
	rates  rates

	page   page
	lists  [pages]list
	filter string
	typing bool // the filter
	paused bool
	help   bool
	detail *detail
	prompt *prompt
	dumps  dumps
	notice notice
}

// notice is a sentence at the bottom.
type notice struct {
	text  string
	bad   bool
	until time.Time
}

// snapshot is the state of the server at one time.
type snapshot struct {
	at      time.Time
	status  *admin.Status
	figures *monitor.Figures
	rates   rates
}

// cpu is the processor time per second of a process.
func (s *snapshot) cpu(pid int) float64 {
	for i := range s.figures.Workers {
		if s.figures.Workers[i].Pid == pid {
			return s.figures.Workers[i].CPU
		}
	}
	return 0
}

// app returns the app of a name; nil: there is none.
func (s *snapshot) app(name string) *admin.App {
	for i := range s.status.Apps {
		if s.status.Apps[i].Name == name {
			return &s.status.Apps[i]
		}
	}
	return nil
}

// figuresOf are those of an app; all 0 without a request.
func (s *snapshot) figuresOf(name string) *monitor.AppFigures {
	for i := range s.figures.Apps {
		if s.figures.Apps[i].App == name {
			return &s.figures.Apps[i]
		}
	}
	return &monitor.AppFigures{App: name}
}

// worker returns the process of a name, a serving one first, and its app; nil: there is none.
func (s *snapshot) worker(name string) (*admin.App, *admin.Worker) {
	for i := range s.status.Apps {
		a := &s.status.Apps[i]
		var found *admin.Worker
		for j := range a.Processes {
			if w := &a.Processes[j]; w.Name == name && (found == nil || w.State == serving) {
				found = w
			}
		}
		if found != nil {
			return a, found
		}
	}
	return nil, nil
}

// folder is that of the code of a worker; empty: unknown.
func (s *snapshot) folder(worker string) string {
	if s == nil {
		return ""
	}
	if _, w := s.worker(worker); w != nil {
		return w.Release
	}
	return ""
}

const serving = "serving"

// New returns a Model that has nothing to show yet. foreign is why nothing may be changed, empty: it may; every is how
// often the server is asked.
func New(socket, foreign string, every time.Duration) *Model {
	return &Model{socket: socket, foreign: foreign, every: every, w: 80, h: 24}
}

// Update takes an event, and returns what is to be done.
func (m *Model) Update(event any) []Action {
	var actions []Action
	switch e := event.(type) {
	case Pressed:
		actions = m.press(e.Key)
	case Resized:
		m.w, m.h = e.W, e.H
	case Ticked:
		m.now = e.At
	case Arrived:
		m.arrive(e)
	case Remembered:
		m.past.remember(e.History)
	case Lost:
		if m.lost == nil {
			m.lost = &e
		}
		m.lost.Err, m.now = e.Err, e.At
	case Dumped:
		m.dumps.answer(e, m.shown.folder(e.Worker))
	case Ordered:
		m.say(e.Text, e.Bad)
		if e.More != "" {
			m.detail = &detail{kind: "answer", text: e.Text + "\n\n" + e.More}
		}
	}
	if m.shown != nil {
		t := m.table()
		m.lists[m.page].settle(t.rows, m.bodyLines(&t))
		actions = append(actions, m.askDumps(t.rows)...)
	}
	return actions
}

// Action is one of the types in event.go.
type Action any

func (m *Model) arrive(e Arrived) {
	m.now, m.lost = e.At, nil
	s := &snapshot{at: e.At, status: &e.Top.Status, figures: &e.Top.Figures}
	s.rates = m.rates.next(s)
	m.rates = s.rates
	m.past.add(e.At, s)
	if m.paused && m.shown != nil {
		m.newest = s
		return
	}
	m.shown, m.newest = s, nil
	m.dumps.keep(func(worker string) bool { _, w := s.worker(worker); return w != nil })
}

// say shows a sentence for a while.
func (m *Model) say(text string, bad bool) {
	m.notice = notice{text, bad, m.now.Add(8 * time.Second)}
}

// askDumps asks the workers whose lines are shown.
func (m *Model) askDumps(rows []row) []Action {
	if m.paused || m.lost != nil {
		return nil
	}
	var actions []Action
	if m.page == workersPage && m.detail == nil {
		for _, r := range rows[:min(len(rows), dumpsMost)] {
			if _, w := m.shown.worker(r.key); w != nil && m.dumps.shows(r.key, w) && w.State == serving {
				actions = append(actions, m.dumps.ask(r.key, m.now, false)...)
			}
		}
	}
	if d := m.detail; d != nil && d.kind == "worker" {
		if _, w := m.shown.worker(d.key); w != nil && w.State == serving {
			actions = append(actions, m.dumps.ask(d.key, m.now, false)...)
		}
	}
	return actions
}

// rates are counters that never decrease, at one time, and how fast they grow.
type rates struct {
	at     time.Time
	pid    int // of the server; another one begins with 0
	counts map[string]int64
	speed  map[string]float64
}

// next returns those of a newer state.
func (r *rates) next(s *snapshot) rates {
	n := rates{at: s.at, pid: s.status.Pid, counts: map[string]int64{}, speed: map[string]float64{}}
	for i := range s.status.Apps {
		for j := range s.status.Apps[i].Processes {
			w := &s.status.Apps[i].Processes[j]
			n.counts[processKey(w)] = w.Served
		}
	}
	for i := range s.status.Upstreams {
		u := &s.status.Upstreams[i]
		n.counts[upstreamKey(u)] = u.Requests
	}
	for i := range s.status.Cache {
		c := &s.status.Cache[i]
		n.counts["cache "+c.App] = c.Hits + c.Misses + c.Stale + c.Revalidated + c.Collapsed + c.Passed
	}
	seconds := s.at.Sub(r.at).Seconds()
	for key, v := range n.counts {
		before, known := r.counts[key]
		if !known || r.pid != n.pid || v < before {
			continue
		}
		if seconds < 0.2 { // too short for a rate
			n.counts[key], n.speed[key] = before, r.speed[key]
			continue
		}
		now := float64(v-before) / seconds
		if old, is := r.speed[key]; is { // a mean over about three seconds
			weight := min(seconds/3, 1)
			now = old + (now-old)*weight
			if now < 0.02 {
				now = 0
			}
		}
		n.speed[key] = now
	}
	if seconds < 0.2 && r.pid == n.pid {
		n.at = r.at
	}
	return n
}

func processKey(w *admin.Worker) string { return w.Name + " " + count(int64(w.Pid)) }

func upstreamKey(u *admin.Upstream) string { return "upstream " + u.Route + " " + u.Address }

// memory is that of a worker: without what it shares where processes of the app are forks of one.
func memory(a *admin.App, w *admin.Worker) int64 {
	if len(a.Templates) > 0 && w.PSS > 0 {
		return w.PSS
	}
	return w.RSS
}

// appOf is the name of the app of a worker, such as that of shop/3.
func appOf(worker string) string {
	if i := strings.LastIndexByte(worker, '/'); i > 0 {
		return worker[:i]
	}
	return worker
}

// isApp says whether a name in the figures is that of an app, not of the server's own parts.
func (s *snapshot) isApp(name string) bool {
	return slices.ContainsFunc(s.status.Apps, func(a admin.App) bool { return a.Name == name })
}
