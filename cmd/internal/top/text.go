package top

import (
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/top/screen"
)

// Text is everything as text. paint gives words their style; it is called with clean text.
func (m *Model) Text(paint func(screen.Style, string) string) string {
	if m.shown == nil {
		return ""
	}
	c := screen.NewCanvas(240, 2)
	view{m, c}.drawHead()
	var b strings.Builder
	b.WriteString(" standpipe " + screen.Clean(m.shown.status.Version) + "  up " + age(m.shown.at.Sub(m.shown.status.Started).Seconds()) + "  pid " + count(int64(m.shown.status.Pid)) +
		"  " + screen.Clean(strings.Join(m.shown.status.Addresses, "  ")) + "\n" + c.Row(1) + "\n")
	for p := range pages {
		t := m.tables().of(p)
		if len(t.rows) == 0 {
			continue
		}
		b.WriteString("\n" + paint(bold, pageNames[p]) + "\n")
		b.WriteString(t.text(paint))
	}
	return b.String()
}

// text is a table without a width: nothing is cut off.
func (t *table) text(paint func(screen.Style, string) string) string {
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = screen.Width(c.name)
		for _, r := range t.rows {
			widths[i] = max(widths[i], r.values[i].line.width())
		}
	}
	var b strings.Builder
	write := func(values func(i int) line) {
		var row strings.Builder
		last := 0
		for i, c := range t.columns {
			if c.noSort && c.flex { // a graph
				continue
			}
			l := values(i)
			space := max(0, widths[i]-l.width())
			row.WriteString("  ")
			if c.right {
				row.WriteString(strings.Repeat(" ", space))
			}
			for _, p := range l {
				row.WriteString(paint(p.style, screen.Clean(p.text)))
			}
			if l.width() > 0 {
				last = row.Len()
			}
			if !c.right {
				row.WriteString(strings.Repeat(" ", space))
			}
		}
		b.WriteString(row.String()[:last] + "\n")
	}
	write(func(i int) line { return line{{bold, t.columns[i].name}} })
	for i := range t.rows {
		r := &t.rows[i]
		write(func(i int) line { return r.values[i].line })
		if r.under != nil {
			b.WriteString("    ")
			for _, p := range r.under {
				b.WriteString(paint(p.style, screen.Clean(p.text)))
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}
