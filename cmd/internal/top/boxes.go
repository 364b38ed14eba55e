package top

import (
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/top/screen"
)

var (
	frame = screen.Style{Fg: screen.Cyan}
	keyed = screen.Style{Fg: screen.Cyan, Bold: true}
)

// drawBox draws lines in a frame in the middle.
func drawBox(c *screen.Canvas, title string, lines []line, least int) {
	w := max(least, screen.Width(title)+6)
	for _, l := range lines {
		w = max(w, l.width()+4)
	}
	w = min(w, c.W-2)
	h := min(len(lines)+2, c.H-2)
	x, y := (c.W-w)/2, max((c.H-h)/2, 1)
	c.Box(x, y, w, h, frame)
	c.Put(x+2, y, screen.Style{Bold: true}, screen.Clip(" "+title+" ", w-4))
	for i := range min(len(lines), h-2) {
		put(c, x+2, y+1+i, w-4, lines[i], false)
	}
}

func (v view) drawPrompt() {
	p := v.m.prompt
	var lines []line
	switch {
	case len(p.choices) > 0:
		for i, choice := range p.choices {
			mark, style := "  ", normal
			if i == p.chosen {
				mark, style = "▸ ", bold
			}
			lines = append(lines, line{{keyed, mark + string(choice.key) + "  "}, {style, choice.text}})
		}
		lines = append(lines, nil, line{{faint, "enter or the letter; esc: nothing"}})
	case p.asks != "":
		lines = []line{{{normal, "how many? "}, {keyed, p.number + "▏"}}, nil, {{faint, "enter; esc: nothing"}}}
	default:
		for _, l := range wrap(p.act.warns, min(v.c.W-8, 64)) {
			lines = append(lines, line{{normal, l}})
		}
		lines = append(lines, nil, line{{keyed, "y"}, {normal, " yes     "}, {keyed, "n"}, {normal, " no"}})
	}
	drawBox(v.c, p.title, lines, 36)
}

// wrap breaks text at spaces.
func wrap(text string, cells int) []string {
	var out []string
	now := ""
	for _, word := range strings.Fields(text) {
		if now != "" && screen.Width(now)+1+screen.Width(word) > cells {
			out, now = append(out, now), ""
		}
		if now != "" {
			now += " "
		}
		now += word
	}
	return append(out, now)
}

// helpKeys are all keys.
var helpKeys = []hint{
	{"1 … 6, tab", "apps, workers, upstreams, slow requests, cache, events"},
	{"↑ ↓ pgup pgdn g G", "select; also j and k"},
	{"/", "filter: rows that have the text; esc ends it"},
	{"s  S", "sort by the next column; the other way round"},
	{"enter  esc", "detail, and back"},
	{"d", "the line of Python where the worker is, now"},
	{"D", "the lines of all busy workers"},
	{"x", "act: restart, scale, pause, reload, stacks"},
	{"p", "pause: what is shown stays"},
	{"+ -", "ask the server more often, less often"},
	{"ctrl-z ctrl-l", "to the shell; draw again"},
	{"q", "quit"},
}

func (v view) drawHelp() {
	var lines []line
	for _, h := range helpKeys {
		lines = append(lines, line{{keyed, pad(h.key, 19, " ")}, {normal, h.does}})
	}
	if v.c.H >= 22 {
		lines = append(lines, nil)
		for _, l := range wrap("Rates and times are of the last seconds before now ("+took(v.m.shown.figures.Span)+"). WAIT is the time in the queue until a worker is free, APP that in the app, SEND until the client has the answer; 95: for 95 of 100 requests it is less.", min(v.c.W-8, 72)) {
			lines = append(lines, line{{faint, l}})
		}
	}
	drawBox(v.c, "keys", lines, 30)
}
