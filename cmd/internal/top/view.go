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
	switch {
	case m.w < leastW || m.h < leastH:
		c.Put(0, 0, normal, fmt.Sprintf("at least %dx%d", leastW, leastH))
		return c
	case m.shown == nil:
		m.drawWaiting(c)
		return c
	}
	m.drawHead(c)
	switch {
	case m.detail != nil:
		m.drawDetail(c)
	default:
		m.drawPage(c)
	}
	m.drawFoot(c)
	switch {
	case m.help:
		m.drawHelp(c)
	case m.prompt != nil:
		m.drawPrompt(c)
	}
	if m.lost != nil { // what is shown is old
		for y := headLines; y < c.H-1; y++ {
			c.Fill(0, y, c.W, faint)
		}
	}
	return c
}

func (m *Model) drawWaiting(c *screen.Canvas) {
	text, style := "asking "+m.socket+" …", normal
	if m.lost != nil {
		text, style = "no answer: "+m.lost.Err+"; trying again", red
	}
	c.Put(1, 1, bold, "standpipe top")
	put(c, 1, 3, c.W-2, line{{style, text}}, false)
	c.Put(1, c.H-1, faint, "q quit")
}

func (m *Model) drawHead(c *screen.Canvas) {
	s := m.shown.status
	clock := m.shown.at.Local().Format(time.TimeOnly) + " "
	state, style := "every "+m.every.String()+"  ", screen.Style{Faint: true}
	switch {
	case m.lost != nil:
		state, style = fmt.Sprintf(" no answer for %s, trying again ", age(m.now.Sub(m.lost.At).Seconds())), screen.Style{Fg: screen.White, Bg: screen.Red, Bold: true}
	case s.Stopping:
		state, style = " stopping ", screen.Style{Fg: screen.White, Bg: screen.Red, Bold: true}
	case m.paused:
		state, style = " paused ", screen.Style{Fg: screen.Black, Bg: screen.Yellow}
	}
	right := screen.Width(state) + screen.Width(clock) + 1
	x := c.Put(1, 0, screen.Style{Fg: screen.Cyan, Bold: true}, "standpipe")
	x = c.Put(x+1, 0, normal, s.Version)
	x = c.Put(x+2, 0, faint, fmt.Sprintf("up %s  pid %d", age(m.shown.at.Sub(s.Started).Seconds()), s.Pid))
	if room := c.W - right - x - 3; room > 8 {
		c.Put(x+2, 0, faint, screen.Clip(strings.Join(s.Addresses, "  "), room))
	}
	c.Fill(c.W-right, 0, right, normal)
	c.Put(c.W-right, 0, normal, strings.Repeat(" ", right))
	c.Right(c.W-screen.Width(clock)-1, 0, style, state)
	c.Right(c.W, 0, normal, clock)
	m.drawSums(c)
	m.drawTabs(c)
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
func (m *Model) drawSums(c *screen.Canvas) {
	n := m.shown.sums()
	wide := c.W >= 100
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
		{{bold, rate(n.requests)}, {normal, " req/s "}, {green, screen.Spark(m.past.of(total).requests, cells, 0)}},
		{{faint, "busy "}, {bold, fmt.Sprintf("%d/%d ", n.busy, n.workers)}, {use, pad(screen.Bar(float64(n.busy)/float64(max(n.workers, 1)), cells/2), cells/2, "·")}},
		{{faint, "queue "}, {waiting, count(int64(n.waiting))}},
		{{faint, "errors "}, {errors, share(n.failed, n.requests)}},
		{{faint, "p95 "}, {slow, took(n.p95)}},
		{{faint, "rss "}, {normal, size(n.bytes)}},
	}
	if cpu := m.past.of(total).cpu; wide && len(cpu) > 0 && cpu[len(cpu)-1] > 0 {
		list = append(list, line{{faint, "cpu "}, {normal, fmt.Sprintf("%.2f", cpu[len(cpu)-1])}})
	}
	x := 1
	for _, l := range list {
		if x+l.width() > c.W {
			return
		}
		put(c, x, 1, l.width(), l, false)
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

func (m *Model) drawTabs(c *screen.Canvas) {
	c.Put(0, 2, tabs, strings.Repeat(" ", c.W))
	x, space := 1, " "
	if c.W < 70 {
		x, space = 0, ""
	}
	for p := range pages {
		label := fmt.Sprintf(" %d %s%s", p+1, pageNames[p], space)
		style := tabs
		if p == m.page {
			style = tab
			label = fmt.Sprintf(" %d %s ", p+1, pageNames[p])
		}
		x = c.Put(x, 2, style, label)
		if n := m.shown.running(); p == slowPage && n > 0 { // requests that are slow now
			x = c.Put(x, 2, screen.Style{Fg: screen.White, Bg: screen.Red, Bold: true}, fmt.Sprintf(" %d%s", n, space))
		}
	}
	switch {
	case m.typing:
		c.Put(x+1, 2, screen.Style{Fg: screen.Yellow, Bg: screen.Blue, Bold: true}, screen.ClipLeft("/"+m.filter+"▏", max(c.W-x-2, 6)))
	case m.filter != "":
		c.Put(x+1, 2, screen.Style{Fg: screen.Yellow, Bg: screen.Blue}, screen.Clip("/"+m.filter, max(c.W-x-2, 6)))
	}
}

func (m *Model) drawPage(c *screen.Canvas) {
	t := m.table()
	l := &m.lists[m.page]
	lines := m.bodyLines(&t)
	places := t.fit(c.W - 2)
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
		put(c, 1+p.x, headLines, p.cells, line{{style, name}}, col.right)
	}
	y := headLines + 1
	if len(t.rows) == 0 {
		put(c, 1, y, c.W-2, line{{faint, t.empty}}, false)
	}
	for i := l.first; i < len(t.rows) && lines > 0; i++ {
		r := &t.rows[i]
		drawRow(c, y, places, &t, r)
		if i == l.index {
			c.Fill(0, y, c.W, selected)
		}
		if r.under != nil && lines > 1 {
			put(c, 3, y+1, c.W-4, r.under, false)
		}
		y += r.height()
		lines -= r.height()
	}
	m.drawMore(c, &t, l)
	if m.page == appsPage {
		if n := m.panelLines(&t); n > 0 {
			m.drawPanel(c, c.H-1-n, n)
		}
	}
}

// drawMore says in the line of the column names that there are rows that are not visible.
func (m *Model) drawMore(c *screen.Canvas, t *table, l *list) {
	if height(t.rows) > m.bodyLines(t) {
		c.Right(c.W, 2, tabs, fmt.Sprintf(" %d of %d ", l.index+1, len(t.rows)))
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

func (m *Model) hints() []hint {
	if m.detail != nil {
		list := []hint{{"↑↓", "scroll"}, {"x", "act"}}
		if m.detail.kind == "worker" {
			list = append(list, hint{"d", "ask again"})
		}
		return append(list, hint{"p", "pause"}, hint{"?", "help"}, hint{"esc", "back"})
	}
	list := []hint{{"enter", "detail"}, {"/", "filter"}, {"s", "sort"}, {"p", "pause"}, {"x", "act"}}
	if m.page == workersPage {
		list = append(list, hint{"d", "line"}, hint{"D", "all lines"})
	}
	return append(list, hint{"?", "help"}, hint{"q", "quit"})
}

func (m *Model) drawFoot(c *screen.Canvas) {
	y := c.H - 1
	if m.note.text != "" && m.now.Before(m.note.until) {
		style := screen.Style{Fg: screen.Black, Bg: screen.Green}
		if m.note.bad {
			style = screen.Style{Fg: screen.White, Bg: screen.Red, Bold: true}
		}
		c.Put(0, y, style, strings.Repeat(" ", c.W))
		c.Put(1, y, style, screen.Clip(m.note.text, c.W-2))
		return
	}
	hints := m.hints()
	for len(hints) > 2 && hintsWidth(hints) > c.W-1 { // the last two stay
		hints = append(hints[:len(hints)-3:len(hints)-3], hints[len(hints)-2:]...)
	}
	x := 1
	for _, h := range hints {
		x = c.Put(x, y, bar, " "+h.key+" ")
		x = c.Put(x+1, y, normal, h.does) + 2
	}
}

func hintsWidth(list []hint) int {
	n := 0
	for _, h := range list {
		n += screen.Width(h.key) + screen.Width(h.does) + 5
	}
	return n - 2
}
