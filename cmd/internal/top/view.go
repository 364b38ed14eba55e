package top

import (
	"fmt"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/top/screen"
)

const (
	headLines = 3 // the server, the sums, the pages
	leastW    = 40
	leastH    = 10
)

var (
	bar      = screen.Style{Fg: screen.Black, Bg: screen.Cyan}
	tabs     = screen.Style{Fg: screen.White, Bg: screen.Blue}
	tab      = screen.Style{Fg: screen.Black, Bg: screen.White, Bold: true}
	heading  = screen.Style{Bold: true}
	selected = screen.Style{Fg: screen.Black, Bg: screen.Cyan}
)

// View draws everything.
func View(m *Model) *screen.Canvas {
	c := screen.NewCanvas(m.w, m.h)
	v := view{m, c}
	switch {
	case m.w < leastW || m.h < leastH:
		c.Put(0, 0, normal, fmt.Sprintf("at least %dx%d", leastW, leastH))
		return c
	case m.shown == nil:
		v.drawWaiting()
		return c
	}
	v.drawHead()
	switch {
	case m.detail != nil:
		v.drawDetail()
	default:
		v.drawPage()
	}
	v.drawFoot()
	switch {
	case m.help:
		v.drawHelp()
	case m.prompt != nil:
		v.drawPrompt()
	}
	if m.lost != nil { // what is shown is old
		for y := headLines; y < c.H-1; y++ {
			c.Fill(0, y, c.W, faint)
		}
	}
	return c
}

// view draws a Model.
type view struct {
	m *Model
	c *screen.Canvas
}

func (v view) drawWaiting() {
	text, style := "asking "+v.m.socket+" …", normal
	if v.m.lost != nil {
		text, style = "no answer: "+v.m.lost.Err+"; trying again", red
	}
	v.c.Put(1, 1, bold, "standpipe top")
	put(v.c, 1, 3, v.c.W-2, line{{style, text}}, false)
	v.c.Put(1, v.c.H-1, faint, "q quit")
}

func (v view) drawHead() {
	s := v.m.shown.status
	clock := v.m.shown.at.Local().Format(time.TimeOnly) + " "
	state, style := "every "+v.m.every.String()+"  ", screen.Style{Faint: true}
	switch {
	case v.m.lost != nil:
		state, style = fmt.Sprintf(" no answer for %s, trying again ", age(v.m.now.Sub(v.m.lost.At).Seconds())), screen.Style{Fg: screen.White, Bg: screen.Red, Bold: true}
	case s.Stopping:
		state, style = " stopping ", screen.Style{Fg: screen.White, Bg: screen.Red, Bold: true}
	case v.m.paused:
		state, style = " paused ", screen.Style{Fg: screen.Black, Bg: screen.Yellow}
	}
	right := screen.Width(state) + screen.Width(clock) + 1
	x := v.c.Put(1, 0, screen.Style{Fg: screen.Cyan, Bold: true}, "standpipe")
	x = v.c.Put(x+1, 0, normal, s.Version)
	x = v.c.Put(x+2, 0, faint, fmt.Sprintf("up %s  pid %d", age(v.m.shown.at.Sub(s.Started).Seconds()), s.Pid))
	if room := v.c.W - right - x - 3; room > 8 {
		v.c.Put(x+2, 0, faint, screen.Clip(strings.Join(s.Addresses, "  "), room))
	}
	v.c.Fill(v.c.W-right, 0, right, normal)
	v.c.Put(v.c.W-right, 0, normal, strings.Repeat(" ", right))
	v.c.Right(v.c.W-screen.Width(clock)-1, 0, style, state)
	v.c.Right(v.c.W, 0, normal, clock)
	v.drawSums()
	v.drawTabs()
}

// sums are what all apps have together.
type sums struct {
	requests, failed, p95, bytes float64
	busy, workers, waiting       int
	threshold                    float64
	processes                    int
}

func (s *snapshot) sums() sums {
	n := sums{threshold: s.figures.Threshold}
	for i := range s.figures.Apps {
		f := &s.figures.Apps[i]
		n.requests += f.Requests
		n.failed += f.Failed
		n.p95 = max(n.p95, f.Whole.P95)
	}
	for i := range s.status.Apps {
		a := &s.status.Apps[i]
		n.busy += a.Busy
		n.workers += a.Idle + a.Busy + a.Booting + a.Draining + a.BackingOff
		n.waiting += a.Waiting
	}
	n.bytes, n.processes = s.memoryOf()
	return n
}

// drawSums draws one line: what the server does now. Where there is no room, its last parts are left out.
func (v view) drawSums() {
	n := v.m.shown.sums()
	wide := v.c.W >= 100
	cells := 12
	if wide {
		cells = 24
	}
	use := green
	switch part := float64(n.busy) / float64(max(n.workers, 1)); {
	case part >= 0.9:
		use = red
	case part >= 0.7:
		use = yellow
	}
	errors := faint
	if n.failed > 0 {
		errors = errorStyle(n.failed / max(n.requests, 1e-9))
	}
	waiting := faint
	if n.waiting > 0 {
		waiting = yellow
	}
	slow := normal
	if n.threshold > 0 && n.p95 >= n.threshold {
		slow = yellow
	}
	list := []line{
		{{bold, rate(n.requests)}, {normal, " req/s "}, {green, screen.Spark(v.m.past.of(total).requests, cells, 0)}},
		{{faint, "busy "}, {bold, fmt.Sprintf("%d/%d ", n.busy, n.workers)}, {use, pad(screen.Bar(float64(n.busy)/float64(max(n.workers, 1)), cells/2), cells/2, "·")}},
		{{faint, "queue "}, {waiting, count(int64(n.waiting))}},
		{{faint, "errors "}, {errors, share(n.failed, n.requests)}},
		{{faint, "p95 "}, {slow, took(n.p95)}},
		{{faint, "rss "}, {normal, size(n.bytes)}},
	}
	if cpu := v.m.shown.processors(); wide {
		list = append(list, line{{faint, "cpu "}, {normal, fmt.Sprintf("%.2f", cpu)}})
	}
	x := 1
	for _, l := range list {
		if x+l.width() > v.c.W {
			return
		}
		put(v.c, x, 1, l.width(), l, false)
		x += l.width() + 2
		if wide {
			x++
		}
	}
}

// pad fills up text to so many cells.
func pad(s string, cells int, with string) string {
	return s + strings.Repeat(with, max(0, cells-screen.Width(s)))
}

func (v view) drawTabs() {
	v.c.Put(0, 2, tabs, strings.Repeat(" ", v.c.W))
	x, space := 1, " "
	if v.c.W < 70 {
		x, space = 0, ""
	}
	for p := range pages {
		label := fmt.Sprintf(" %d %s%s", p+1, pageNames[p], space)
		style := tabs
		if p == v.m.page {
			style = tab
			label = fmt.Sprintf(" %d %s ", p+1, pageNames[p])
		}
		x = v.c.Put(x, 2, style, label)
		if n := v.m.shown.running(); p == slowPage && n > 0 { // requests that are slow now
			x = v.c.Put(x, 2, screen.Style{Fg: screen.White, Bg: screen.Red, Bold: true}, fmt.Sprintf(" %d%s", n, space))
		}
	}
	switch {
	case v.m.typing:
		v.c.Put(x+1, 2, screen.Style{Fg: screen.Yellow, Bg: screen.Blue, Bold: true}, screen.ClipLeft("/"+v.m.filter+"▏", max(v.c.W-x-2, 6)))
	case v.m.filter != "":
		v.c.Put(x+1, 2, screen.Style{Fg: screen.Yellow, Bg: screen.Blue}, screen.Clip("/"+v.m.filter, max(v.c.W-x-2, 6)))
	}
}

func (v view) drawPage() {
	t := v.m.table()
	l := &v.m.lists[v.m.page]
	lines := v.m.bodyLines(&t)
	places := t.fit(v.c.W - 2)
	for _, p := range places {
		col := t.columns[p.column]
		name, style := col.name, heading
		if col.name == l.sort {
			style = screen.Style{Fg: screen.Cyan, Bold: true}
			arrow := "▾"
			if l.reverse == col.right {
				arrow = "▴"
			}
			if screen.Width(name) < p.cells {
				name = arrow + name
			} else {
				style.Reverse = l.reverse
			}
		}
		put(v.c, 1+p.x, headLines, p.cells, line{{style, name}}, col.right)
	}
	y := headLines + 1
	if len(t.rows) == 0 {
		put(v.c, 1, y, v.c.W-2, line{{faint, t.empty}}, false)
	}
	for i := l.first; i < len(t.rows) && lines > 0; i++ {
		r := &t.rows[i]
		drawRow(v.c, y, places, &t, r)
		if i == l.index {
			v.c.Fill(0, y, v.c.W, selected)
		}
		if r.under != nil && lines > 1 {
			put(v.c, 3, y+1, v.c.W-4, r.under, false)
		}
		y += r.height()
		lines -= r.height()
	}
	v.drawMore(&t, l)
	if v.m.page == appsPage {
		if n := panelLines(&t, v.m.h-headLines-2); n > 0 {
			panel{v.m.tables(), v.c, l.selected}.draw(v.c.H-1-n, n)
		}
	}
}

// drawMore says in the line of the column names that there are rows that are not visible.
func (v view) drawMore(t *table, l *list) {
	if height(t.rows) > v.m.bodyLines(t) {
		v.c.Right(v.c.W, 2, tabs, fmt.Sprintf(" %d of %d ", l.index+1, len(t.rows)))
	}
}

func drawRow(c *screen.Canvas, y int, places []place, t *table, r *row) {
	for _, p := range places {
		v := r.values[p.column]
		l := v.line
		if v.draw != nil {
			l = v.draw(p.cells)
		}
		put(c, 1+p.x, y, p.cells, l, t.columns[p.column].right)
	}
	if r.faint {
		for x := range c.W {
			s := c.Look(x, y)
			s.Faint = true
			c.Fill(x, y, 1, s)
		}
	}
}

// hint is a key with what it does.
type hint struct{ key, does string }

func (v view) hints() []hint {
	if v.m.detail != nil {
		list := []hint{{"↑↓", "scroll"}, {"x", "act"}}
		if v.m.detail.kind == "worker" {
			list = append(list, hint{"d", "ask again"})
		}
		return append(list, hint{"p", "pause"}, hint{"?", "help"}, hint{"esc", "back"})
	}
	list := []hint{{"enter", "detail"}, {"/", "filter"}, {"s", "sort"}, {"p", "pause"}, {"x", "act"}}
	if v.m.page == workersPage {
		list = append(list, hint{"d", "line"}, hint{"D", "all lines"})
	}
	return append(list, hint{"?", "help"}, hint{"q", "quit"})
}

func (v view) drawFoot() {
	y := v.c.H - 1
	if v.m.notice.text != "" && v.m.now.Before(v.m.notice.until) {
		style := screen.Style{Fg: screen.Black, Bg: screen.Green}
		if v.m.notice.bad {
			style = screen.Style{Fg: screen.White, Bg: screen.Red, Bold: true}
		}
		v.c.Put(0, y, style, strings.Repeat(" ", v.c.W))
		v.c.Put(1, y, style, screen.Clip(v.m.notice.text, v.c.W-2))
		return
	}
	hints := v.hints()
	for len(hints) > 2 && hintsWidth(hints) > v.c.W-1 { // the last two stay
		hints = append(hints[:len(hints)-3:len(hints)-3], hints[len(hints)-2:]...)
	}
	x := 1
	for _, h := range hints {
		x = v.c.Put(x, y, bar, " "+h.key+" ")
		x = v.c.Put(x+1, y, normal, h.does) + 2
	}
}

func hintsWidth(list []hint) int {
	n := 0
	for _, h := range list {
		n += screen.Width(h.key) + screen.Width(h.does) + 5
	}
	return n - 2
}
