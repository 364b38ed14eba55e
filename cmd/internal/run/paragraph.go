package run

import (
	"strings"
	"unicode/utf8"

	"github.com/standpipe/standpipe/cmd/internal/terminal"
)

// bannerMost is how many lines the banner has at most.
const bannerMost = 8

// row is a line of the banner: a label, or none, and what it is about.
type row struct{ label, text string }

// part is what belongs together in the banner. It gets at least one line, and more where there is space.
type part struct {
	lines  []row
	more   func(hidden int) string // what the last line that is shown ends with; empty: nothing
	rest   func(hidden []row) row  // or a line that stands for those that are not shown
	urgent bool                    // it gets its lines before others get a second one
}

// labelled has the label in front of the first line.
func labelled(label string, texts []string) (rows []row) {
	for _, text := range texts {
		rows = append(rows, row{label, text})
		label = ""
	}
	return rows
}

// paragraph has at most most lines of the parts, their labels aligned.
func paragraph(parts []*part, most int, paint terminal.Paint) string {
	var rows []row
	for i, n := range shares(parts, most) {
		rows = append(rows, parts[i].first(n)...)
	}
	wide := 0
	for _, r := range rows {
		wide = max(wide, min(utf8.RuneCountInString(r.label), labelMost))
	}
	var b strings.Builder
	for _, r := range rows {
		label := r.label + strings.Repeat(" ", max(0, wide-utf8.RuneCountInString(r.label)))
		if r.label == "warning" {
			label = paint.Yellow(label)
		} else {
			label = paint.Faint(label)
		}
		b.WriteString("  " + label + "  " + r.text + "\n")
	}
	return b.String()
}

// labelMost is how far labels are aligned: the name of an app has up to 64 characters.
const labelMost = 16

// shares is how many lines each part gets.
func shares(parts []*part, most int) []int {
	got, left := make([]int, len(parts)), most
	for i, p := range parts { // one each; all, where none can be left out
		got[i] = min(len(p.lines), 1)
		if p.rest == nil && p.more == nil {
			got[i] = len(p.lines)
		}
		left -= got[i]
	}
	for _, urgent := range []bool{true, false} {
		for grown := true; grown && left > 0; {
			grown = false
			for i, p := range parts {
				if p.urgent == urgent && got[i] < len(p.lines) && left > 0 && (!urgent || got[i] < urgentMost) {
					got[i]++
					left--
					grown = true
				}
			}
		}
	}
	return got
}

// urgentMost is how many lines an urgent part gets before others get their second one.
const urgentMost = 3

// first are n lines.
func (p *part) first(n int) []row {
	shown := append([]row(nil), p.lines[:n]...)
	hidden := len(p.lines) - n
	switch {
	case n == 0:
	case p.rest != nil && hidden > 0:
		shown[n-1] = p.rest(p.lines[n-1:])
	case p.more != nil:
		if text := p.more(hidden); text != "" {
			shown[n-1].text += "   " + text
		}
	}
	return shown
}
