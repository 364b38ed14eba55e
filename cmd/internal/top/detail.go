package top

import (
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/top/screen"
)

// detail is what is shown of one row.
type detail struct {
	kind  string // as in kinds; "answer": text
	key   string
	text  string
	first int // line
}

// open shows the selected row.
func (m *Model) open(rows []row) {
	for _, r := range rows {
		if r.key == m.lists[m.page].selected {
			m.detail = &detail{kind: kinds[m.page], key: r.key}
		}
	}
}

// scroll moves in the detail.
func (m *Model) scroll(key screen.Key) {
	d := m.detail
	step, lines := m.h-headLines-1, len(m.details().of(d))
	switch key {
	case "up", "k":
		d.first--
	case "down", "j":
		d.first++
	case "pgup":
		d.first -= step
	case "pgdn":
		d.first += step
	case "home", "g":
		d.first = 0
	case "end", "G":
		d.first = lines
	default:
		if len(key) == 1 && key[0] >= '1' && key[0] < '1'+byte(pages) {
			m.detail, m.page = nil, page(key[0]-'1')
			return
		}
	}
	d.first = max(min(d.first, lines-step), 0)
}

// details makes the text of details, for lines of so many cells.
type details struct {
	t tables
	w int
}

func (m *Model) details() details { return details{m.tables(), m.w} }

// of are the lines of a detail.
func (d details) of(what *detail) []line {
	switch what.kind {
	case "app":
		return d.appText(what.key)
	case "worker":
		return d.workerText(what.key)
	case "upstream":
		return d.upstreamText(what.key)
	case "slow":
		return d.slowText(what.key)
	case "cache":
		return d.cacheText(what.key)
	case "event":
		return d.eventText(what.key)
	}
	return paragraphs(what.text, normal)
}

func (v view) drawDetail() {
	lines := v.m.details().of(v.m.detail)
	room := v.m.h - headLines - 1
	first := max(min(v.m.detail.first, len(lines)-room), 0)
	for i := range min(room, len(lines)-first) {
		put(v.c, 1, headLines+i, v.c.W-2, lines[first+i], false)
	}
	if len(lines) > room {
		v.c.Right(v.c.W, 2, tabs, " "+count(int64(first+1))+"-"+count(int64(first+min(room, len(lines))))+" of "+count(int64(len(lines)))+" lines ")
	}
}

// paragraphs are the lines of a text.
func paragraphs(text string, style screen.Style) []line {
	var out []line
	for _, l := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		out = append(out, line{{style, strings.ReplaceAll(l, "\t", "    ")}})
	}
	return out
}

// field is a name with a value.
func field(name string, parts ...part) line {
	return append(line{{faint, pad(name, 12, " ")}}, parts...)
}

// gone is what is shown of something that does not exist any more.
func gone(what string) []line {
	return []line{nil, {{faint, what}}}
}

// broken are lines of text that is broken where it is too wide.
func (d details) broken(name, text string, style screen.Style) []line {
	var out []line
	room := max(d.w-16, 10)
	for s := screen.Clean(text); ; name = "" {
		if screen.Width(s) <= room {
			return append(out, field(name, part{style, s}))
		}
		head := strings.TrimSuffix(screen.Clip(s, room+1), "…")
		out = append(out, field(name, part{style, head}))
		s = s[len(head):]
	}
}
