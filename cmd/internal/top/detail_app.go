package top

import (
	"fmt"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/monitor"
	"github.com/standpipe/standpipe/cmd/internal/top/screen"
)

// appText is all about one app.
func (d details) appText(name string) []line {
	f, a := d.t.s.figuresOf(name), d.t.s.app(name)
	out := []line{append(line{{bold, name}}, d.titleOf(a)...)}
	if a != nil {
		for _, failure := range []*admin.Failure{a.Failure, a.FailedReload} {
			if failure != nil {
				out = append(out, d.broken("", failure.Sentence, redBold)...)
				break
			}
		}
	}
	out = append(out, nil, field("", part{faint, fmt.Sprintf("%8s%8s%8s%8s", "p50", "p95", "p99", "max")}))
	most := 0.0
	for _, p := range phases(f)[:4] {
		most = max(most, p.q.P95)
	}
	for _, p := range phases(f) {
		l := line{{p.style, pad(p.name, 12, " ")}}
		for _, v := range []float64{p.q.P50, p.q.P95, p.q.P99, p.q.Max} {
			l = append(l, part{d.t.time(v).line[0].style, strings.Repeat(" ", max(0, 8-screen.Width(took(v)))) + took(v)})
		}
		if most > 0 && p.name != "whole" {
			l = append(l, part{p.style, "  " + screen.Bar(p.q.P95/most, min(max(d.w-50, 4), 60))})
		}
		out = append(out, l)
	}
	out = append(out, nil)
	out = append(out, d.graphs(name)...)
	out = append(out, d.numbersOf(a, f)...)
	if a != nil {
		out = append(out, nil)
		out = append(out, d.workersOf(a)...)
		for _, failure := range []*admin.Failure{a.Failure, a.FailedReload} {
			if failure != nil && failure.Traceback != "" {
				out = append(out, nil, line{{bold, "why it did not start"}})
				out = append(out, paragraphs(failure.Traceback, red)...)
				break
			}
		}
	}
	return append(out, d.marksOf(name)...)
}

func (d details) titleOf(a *admin.App) line {
	if a == nil {
		return line{{faint, "  what the server answers itself"}}
	}
	l := append(line{}, conditions(a)...)
	l = append(l, part{faint, fmt.Sprintf("  generation %d", a.Generation)})
	if a.Release != "" {
		l = append(l, part{faint, "  " + a.Release})
	}
	return l
}

// graphs are the last minutes of an app, one line each.
func (d details) graphs(name string) []line {
	s := d.t.past.of(name)
	cells := max(d.w-36, 8)
	var out []line
	for _, g := range []graph{
		{"requests/s", s.requests, green, rate}, {"errors/s", s.failed, red, rate}, {"p95", s.p95, cyan, took}, {"waiting p95", s.waiting, yellow, took},
		{"queue", s.queue, yellow, rate}, {"busy", s.busy, green, rate}, {"rss", s.rss, blue, size}, {"cpu", s.cpu, magenta, rate},
	} {
		values := g.values[max(0, len(g.values)-cells):]
		most, now := 0.0, 0.0
		for _, v := range values {
			most, now = max(most, v), v
		}
		if most == 0 && g.name != "requests/s" {
			continue
		}
		out = append(out, field(g.name, part{g.style, screen.Spark(values, cells, 0)}, part{bold, fmt.Sprintf("%7s", g.say(now))}, part{faint, " of " + g.say(most)}))
	}
	n := min(len(s.requests), cells)
	return append(out, field("", part{faint, "the last " + span(n) + ": now, of the most"}), nil)
}

// numbersOf are numbers since the start.
func (d details) numbersOf(a *admin.App, f *monitor.AppFigures) []line {
	out := []line{field("now", part{normal, fmt.Sprintf("%s requests/s  %s errors  %s refused (4xx)  %s from the cache  %s/s sent", rate(f.Requests), share(f.Failed, f.Requests), share(f.Refused, f.Requests), share(f.Cached, f.Requests), size(f.Sent))})}
	if a == nil {
		return append(out, field("since start", part{normal, fmt.Sprintf("%s requests", count(f.Total))}))
	}
	queue := part{normal, fmt.Sprintf("%d of %s", a.Waiting, limit(a.Limit))}
	if a.Waiting > 0 {
		queue = part{queueStyle(a), fmt.Sprintf("%d of %s, the first for %s", a.Waiting, limit(a.Limit), took(a.Oldest))}
	}
	states := line{}
	for _, s := range workerStates(a) {
		if s.n > 0 {
			states = append(states, part{s.style, fmt.Sprintf("%s %d %s  ", s.char, s.n, s.name)})
		}
	}
	if a.Surplus > 0 {
		states = append(states, part{yellow, fmt.Sprintf("%d surplus", a.Surplus)})
	}
	return append(out, field("queue", queue), field("workers", states...),
		field("since start", part{normal, fmt.Sprintf("%s served  %d restarts  %d boots failed  refused: %d queue full, %d waited too long", count(a.Served), a.Restarts, a.BootFailures, a.QueueFull, a.QueueTimeouts)}))
}

func (d details) workersOf(a *admin.App) []line {
	var out []line
	for _, w := range numbered(a) {
		request, since := d.t.current(w)
		l := line{{bold, pad(w.Name, 12, " ")}, {normal, fmt.Sprintf("pid %-7d gen %-4d %6s  %6s  ", w.Pid, w.Generation, size(float64(memory(a, w))), age(w.Up))}}
		l = append(l, stateOf(w)...)
		if since > 0 {
			l = append(l, part{d.t.time(since).line[0].style, " " + took(since) + " "})
		}
		out = append(out, append(l, request...))
	}
	return out
}

// marksOf are the events of an app.
func (d details) marksOf(name string) []line {
	var out []line
	marks := d.t.s.figures.Marks
	for i := len(marks) - 1; i >= 0; i-- {
		if marks[i].App == name || appOf(marks[i].Worker) == name {
			if out == nil {
				out = []line{nil, {{bold, "what happened"}}}
			}
			out = append(out, markLine(&marks[i]))
		}
	}
	return out
}
