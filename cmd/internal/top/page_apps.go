package top

import (
	"fmt"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/monitor"
	"github.com/standpipe/standpipe/cmd/internal/top/screen"
)

func (t tables) appsTable() table {
	out := table{empty: "no app", columns: []column{
		{name: "APP", least: 6, most: 30},
		{name: "REQ/S", least: 6, right: true},
		{name: "TREND", least: 8, flex: true, rank: 4, noSort: true},
		{name: "P50", least: 6, right: true, rank: 2},
		{name: "P95", least: 6, right: true},
		{name: "P99", least: 6, right: true, rank: 1},
		{name: "WAIT95", least: 6, right: true, rank: 5},
		{name: "APP95", least: 6, right: true, rank: 5},
		{name: "SEND95", least: 6, right: true, rank: 5},
		{name: "QUEUE", least: 5, right: true},
		{name: "WORKERS", least: 9, most: 16, rank: 0, noSort: true},
		{name: "ERR", least: 5, right: true},
		{name: "CACHE", least: 5, right: true, rank: 3},
	}}
	seen := map[string]bool{}
	for i := range t.s.status.Apps {
		a := &t.s.status.Apps[i]
		seen[a.Name] = true
		out.rows = append(out.rows, t.appRow(a, t.s.figuresOf(a.Name)))
	}
	for i := range t.s.figures.Apps {
		if f := &t.s.figures.Apps[i]; !seen[f.App] && (f.Requests > 0 || f.Total > 0) {
			out.rows = append(out.rows, t.partRow(f))
		}
	}
	return out
}

// appRow is that of an app.
func (t tables) appRow(a *admin.App, f *monitor.AppFigures) row {
	r := t.partRow(f)
	r.faint = false
	r.values[0] = value{line: append(line{{bold, a.Name}}, conditions(a)...)}
	queue := number(float64(a.Waiting), count(int64(a.Waiting)))
	if a.Waiting > 0 {
		queue = queue.with(queueStyle(a))
	}
	r.values[9], r.values[10] = queue, value{line: workersBar(a, 6)}
	return r
}

// partRow is that of what answers requests in place of an app.
func (t tables) partRow(f *monitor.AppFigures) row {
	past := t.past.of(f.App)
	spark := func(cells int) line { return line{{green, screen.Spark(past.requests, cells, 0)}} }
	errors := number(f.Failed/max(f.Requests, 1e-9), share(f.Failed, f.Requests))
	if f.Failed > 0 {
		errors = errors.with(errorStyle(f.Failed / f.Requests))
	}
	return row{key: f.App, faint: true, values: []value{
		text(f.App), number(f.Requests, rate(f.Requests)), {draw: spark},
		t.time(f.Whole.P50), t.time(f.Whole.P95), t.time(f.Whole.P99), t.time(f.Waiting.P95), t.time(f.Running.P95), t.time(f.Sending.P95),
		text(""), text(""), errors, number(f.Cached, share(f.Cached, f.Requests)),
	}}
}

// time is a time that is marked beyond the threshold of slow requests.
func (t tables) time(s float64) value {
	v := number(s, took(s))
	if th := t.s.figures.Threshold; th > 0 && s >= th {
		v = v.with(yellow)
	}
	return v
}

func errorStyle(part float64) screen.Style {
	if part >= 0.01 {
		return redBold
	}
	return yellow
}

func queueStyle(a *admin.App) screen.Style {
	if a.Limit > 0 && a.Waiting*2 >= a.Limit {
		return redBold
	}
	return yellow
}

// conditions are what is unusual about an app, in words.
func conditions(a *admin.App) line {
	var l line
	for _, c := range []struct {
		is    bool
		text  string
		style screen.Style
	}{
		{a.Paused, "paused", yellow}, {a.Asleep, "asleep", blue}, {a.Reloading, "reloading", cyan},
		{a.Failure != nil, "boot failed", redBold}, {a.Failure == nil && a.FailedReload != nil, "reload failed", red}, {a.ReleaseGone, "release gone", red},
	} {
		if c.is {
			l = append(l, part{style: c.style, text: " " + c.text})
		}
	}
	return l
}

// workersBar draws the workers by state, in so many cells, and their number.
func workersBar(a *admin.App, cells int) line {
	all := a.Idle + a.Busy + a.Booting + a.Draining + a.BackingOff
	if all == 0 {
		return line{{faint, "-"}}
	}
	states := slices.DeleteFunc(workerStates(a), func(s workerState) bool { return s.n == 0 })
	cells = max(min(cells, all), len(states))
	var l line
	rest, left := all, cells
	for i, s := range states {
		others := len(states) - 1 - i // each has a cell
		n := min(max((s.n*left+rest/2)/rest, 1), left-others)
		l = append(l, part{s.style, strings.Repeat(s.char, n)})
		rest, left = rest-s.n, left-n
	}
	return append(l, part{normal, fmt.Sprintf(" %d/%d", a.Busy, all)})
}

// workerState is how many workers are in one state.
type workerState struct {
	n     int
	name  string
	style screen.Style
	char  string
}

func workerStates(a *admin.App) []workerState {
	return []workerState{
		{a.BackingOff, "backing off", redBold, "▒"}, {a.Busy, "busy", green, "█"}, {a.Booting, "booting", yellow, "▒"}, {a.Draining, "draining", magenta, "▓"}, {a.Idle, "idle", faint, "░"},
	}
}
