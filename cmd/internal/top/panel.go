package top

import (
	"fmt"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/monitor"
	"github.com/standpipe/standpipe/cmd/internal/top/screen"
)

const (
	panelPhases = 8 // an empty line, the app, names, five phases
	panelMarks  = 2 // lines from which on what happened is shown: a title, one event
)

// panelLines is how many of so many lines the panel below the apps has.
func panelLines(t *table, body int) int {
	rows := min(max(height(t.rows), 1), 4)
	if body-rows < panelPhases {
		return 0
	}
	return max(panelPhases, min(body-max(height(t.rows), 1), body-rows))
}

// phase is a part of the time of requests.
type phase struct {
	name  string
	q     monitor.Quantiles
	style screen.Style
}

func phases(f *monitor.AppFigures) []phase {
	return []phase{{"receiving", f.Receiving, blue}, {"waiting", f.Waiting, yellow}, {"app", f.Running, green}, {"sending", f.Sending, magenta}, {"whole", f.Whole, bold}}
}

// panel is what is below the apps.
type panel struct {
	t   tables
	c   *screen.Canvas
	app string // that is selected
}

// draw draws it from line y on.
func (p panel) draw(y, lines int) {
	f := p.t.s.figuresOf(p.app)
	end := y + lines
	y++
	p.c.Put(0, y, faint, strings.Repeat("─", p.c.W))
	put(p.c, 1, y, p.c.W-2, p.panelTitle(), false)
	y = p.drawPhases(y+1, f)
	slow, marks := len(p.t.s.figures.Slow), len(p.t.s.figures.Marks)
	// Graphs have what the lists do not need.
	slow = min(slow, 8)
	wanted := slow + min(marks, 8) + 3
	if room := end - y - wanted; room >= 5 {
		y = p.drawGraphs(y, min(room, 9))
	}
	if slow > 0 {
		n := min(slow, max((end-y)/2, end-y-min(marks, 1)-marks)-1)
		y = p.drawSlow(y, n)
	}
	p.drawMarks(y, end-y)
}

// drawGraphs draws the last minutes side by side, in so many lines.
func (p panel) drawGraphs(y, lines int) int {
	s := p.t.past.of(p.app)
	graphs := []graph{{"p95", s.p95, cyan, took}, {"busy workers", s.busy, green, rate}, {"errors/s", s.failed, red, rate}}
	n := 3
	if p.c.W < 100 {
		graphs[0] = graph{"requests/s", s.requests, green, rate}
		graphs[1] = graph{"p95", s.p95, cyan, took}
		n = 2
	}
	cells := (p.c.W - 2 - (n-1)*3) / n
	p.c.Put(0, y, faint, strings.Repeat("─", p.c.W))
	for i := range n {
		graphs[i].draw(p.c, 1+i*(cells+3), y, cells, lines-1)
	}
	return y + lines
}

func (p panel) panelTitle() line {
	l := line{{bold, " " + p.app + " "}}
	a := p.t.s.app(p.app)
	if a == nil {
		return l
	}
	l = append(l, part{faint, fmt.Sprintf(" gen %d ", a.Generation)})
	for _, s := range workerStates(a) {
		if s.n > 0 {
			style := s.style
			l = append(l, part{style, fmt.Sprintf(" %s %d %s ", s.char, s.n, s.name)})
		}
	}
	if a.Waiting > 0 {
		l = append(l, part{queueStyle(a), fmt.Sprintf(" queue %d/%s, oldest %s ", a.Waiting, limit(a.Limit), took(a.Oldest))})
	}
	if a.Restarts > 0 {
		l = append(l, part{faint, fmt.Sprintf(" restarts %d ", a.Restarts)})
	}
	return l
}

func limit(n int) string {
	if n == 0 {
		return "no limit"
	}
	return count(int64(n))
}

// drawPhases draws the quantiles of each phase, and how much of the 95th percentile each has.
func (p panel) drawPhases(y int, f *monitor.AppFigures) int {
	const x, wide = 11, 8
	plot := p.c.W >= 100
	bars := p.c.W - x - 4*wide - 3
	if plot {
		bars = min(bars-36, 36)
	}
	for i, name := range []string{"p50", "p95", "p99", "max"} {
		p.c.Right(x+(i+1)*wide, y, faint, name)
	}
	if bars >= 14 {
		p.c.Put(x+4*wide+2, y, faint, screen.Clip("where the p95 goes", bars))
	}
	most := 0.0
	for _, ph := range phases(f)[:4] {
		most = max(most, ph.q.P95)
	}
	top := y
	for _, ph := range phases(f) {
		y++
		p.c.Put(2, y, ph.style, ph.name)
		for i, v := range []float64{ph.q.P50, ph.q.P95, ph.q.P99, ph.q.Max} {
			t := p.t.time(v)
			s := t.line[0].style
			s.Bold = ph.name == "whole"
			p.c.Right(x+(i+1)*wide, y, s, took(v))
		}
		if most > 0 && ph.name != "whole" {
			style := ph.style
			style.Bold = false
			p.c.Put(x+4*wide+2, y, style, screen.Bar(ph.q.P95/most, bars))
		}
	}
	if plot {
		left := x + 4*wide + 2 + bars + 3
		graph{"requests/s", p.t.past.of(f.App).requests, green, rate}.draw(p.c, left, top, p.c.W-left-1, 5)
	}
	return y + 1
}

// graph is the last minutes of one figure.
type graph struct {
	name   string
	values []float64
	style  screen.Style
	say    func(float64) string
}

// draw draws a caption, then so many rows.
func (g graph) draw(c *screen.Canvas, x, y, cells, rows int) {
	values := g.values[max(0, len(g.values)-cells):]
	most := 0.0
	for _, v := range values {
		most = max(most, v)
	}
	caption := " "
	if most > 0 {
		caption = fmt.Sprintf("  %s, at most %s ", span(len(values)), g.say(most))
	}
	put(c, x, y, cells, line{{faint, " "}, {normal, g.name}, {faint, caption}}, false)
	for i, s := range screen.Plot(values, cells, rows, 0) {
		c.Put(x, y+1+i, g.style, s)
	}
}

// span is the time of so many values.
func span(values int) string {
	d := time.Duration(values) * pastStep
	if d < 2*time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return fmt.Sprintf("%d min", int(d.Minutes()))
}

// drawSlow draws so many slow requests.
func (p panel) drawSlow(y, n int) int {
	if n < 1 {
		return y
	}
	p.c.Put(0, y, faint, strings.Repeat("─", p.c.W))
	p.c.Put(1, y, faint, " slow requests, beyond "+took(p.t.s.figures.Threshold)+" ")
	for i := range n {
		r := &p.t.s.figures.Slow[i]
		x := 2
		put(p.c, x, y+1+i, 6, slowStatus(r), false)
		x += 7
		put(p.c, x, y+1+i, 6, p.t.time(r.Seconds).line, true)
		l := line{{bold, slowWhere(r) + "  "}, {cyan, r.Method}, {normal, " " + r.Target}}
		if r.Line != "" {
			l = append(l, part{faint, "  " + r.Line})
		}
		put(p.c, x+8, y+1+i, p.c.W-x-9, l, false)
	}
	return y + 1 + n
}

// drawMarks draws the newest events.
func (p panel) drawMarks(y, lines int) {
	if lines < panelMarks {
		return
	}
	marks := p.t.s.figures.Marks
	p.c.Put(0, y, faint, strings.Repeat("─", p.c.W))
	title := " what happened "
	if len(marks) == 0 {
		title = " nothing happened in the last hour "
	}
	p.c.Put(1, y, faint, title)
	for i := range min(len(marks), lines-1) {
		put(p.c, 2, y+1+i, p.c.W-3, markLine(&marks[len(marks)-1-i]), false)
	}
}

func markLine(k *monitor.Mark) line {
	l := line{{faint, k.At.Local().Format(time.TimeOnly) + "  "}, {markStyle(k), markWord(k)}, {bold, "  " + markOf(k)}}
	if text := markText(k); text != "" {
		l = append(l, part{normal, "  " + text})
	}
	return l
}
