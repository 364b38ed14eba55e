package screen

import (
	"bytes"
	"fmt"
	"strings"
)

// Painter makes a terminal show one Canvas after the other.
type Painter struct {
	// ASCII: the terminal shows no other characters. Colours: it has them, and its user wants them.
	ASCII, Colours bool

	last *Canvas
}

// What a terminal is told at the beginning and at the end.
const (
	enter = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[0m\x1b[2J" // the alternate screen, no cursor, no line wrap
	leave = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
)

// Forget makes the next frame a whole one.
func (p *Painter) Forget() { p.last = nil }

// Frame returns what makes the terminal show c. The terminal shows the frame before it, or was cleared. The caller does
// not change c any more.
func (p *Painter) Frame(c *Canvas) []byte {
	var b bytes.Buffer
	whole := p.last == nil || p.last.W != c.W || p.last.H != c.H
	if whole {
		b.WriteString("\x1b[0m\x1b[2J")
	}
	for y := range c.H {
		row := c.row(y)
		from, to := 0, len(row)
		if !whole {
			old := p.last.row(y)
			if from, to = difference(old, row); from == to {
				continue
			}
			if uncertain(old) || uncertain(row) {
				// A terminal that takes a character for wider than we do has moved what follows: this line is written again.
				from, to = 0, len(row)
				fmt.Fprintf(&b, "\x1b[%d;1H\x1b[0m\x1b[2K", y+1)
			}
		}
		p.cells(&b, row, y, from, to)
	}
	p.last = c
	if b.Len() == 0 {
		return nil
	}
	b.WriteString("\x1b[0m")
	// Between these two, a terminal that can shows nothing half done.
	return append(append([]byte("\x1b[?2026h"), b.Bytes()...), "\x1b[?2026l"...)
}

// difference returns the first cell that is different, and the cell after the last one.
func difference(a, b []cell) (from, to int) {
	for from < len(a) && a[from] == b[from] {
		from++
	}
	to = len(a)
	for to > from && a[to-1] == b[to-1] {
		to--
	}
	// A wide character is written as a whole.
	for from > 0 && from < len(a) && (a[from].right || b[from].right) {
		from--
	}
	for to < len(a) && (a[to].right || b[to].right) {
		to++
	}
	return from, to
}

// uncertain says whether terminals may disagree on the width of something in a row.
func uncertain(row []cell) bool {
	for i := range row {
		if !certain(row[i].char) {
			return true
		}
	}
	return false
}

// certain says whether all terminals give a character one cell: ASCII, and the lines and blocks that we draw with.
func certain(char string) bool {
	if len(char) <= 1 {
		return true
	}
	r := []rune(char)
	return len(r) == 1 && (r[0] >= 0x2500 && r[0] <= 0x259F || r[0] >= 0x2800 && r[0] <= 0x28FF || strings.ContainsRune("…·µ▸▾▴●○■□", r[0]))
}

func (p *Painter) cells(b *bytes.Buffer, row []cell, y, from, to int) {
	for to > from && from == 0 && row[to-1] == (cell{}) { // the rest of the line is empty: it was cleared, or is now
		to--
	}
	fmt.Fprintf(b, "\x1b[%d;%dH", y+1, from+1)
	style, first := Style{}, true
	for x := from; x < to; x++ {
		v := row[x]
		if v.right {
			continue
		}
		if first || v.style != style {
			style, first = v.style, false
			b.WriteString("\x1b[" + style.sgr(p.Colours) + "m")
		}
		switch {
		case v.char == "":
			b.WriteByte(' ')
		case p.ASCII:
			b.WriteString(ascii(v.char, x+1 < len(row) && row[x+1].right))
		default:
			b.WriteString(v.char)
			if !certain(v.char) { // so that what follows is at its place whatever the terminal thinks
				n := x + 2
				if x+1 < len(row) && row[x+1].right {
					n++
				}
				fmt.Fprintf(b, "\x1b[%d;%dH", y+1, n)
			}
		}
	}
	if to < len(row) && from == 0 {
		b.WriteString("\x1b[0m\x1b[K")
	}
}

// replaced are the characters that we draw with, and what stands for them in ASCII.
var replaced = strings.NewReplacer("…", "~", "µ", "u", "·", ".", "▸", ">", "▾", "v", "▴", "^", "●", "*", "○", "o", "■", "#", "□", "-",
	"▁", "_", "▂", "_", "▃", ".", "▄", "-", "▅", "=", "▆", "+", "▇", "*", "█", "#", "░", ".", "▒", ":", "▓", "%", "▌", "|", "▏", "|", "▎", "|", "▍", "|", "▋", "#", "▊", "#", "▉", "#",
	"─", "-", "│", "|", "┌", "+", "┐", "+", "└", "+", "┘", "+", "├", "+", "┤", "+", "╵", "'")

// ASCII is clean text in ASCII.
func ASCII(text string) string {
	var b strings.Builder
	for text != "" {
		var char string
		var cells int
		char, cells, text = next(text)
		b.WriteString(ascii(char, cells == 2))
	}
	return b.String()
}

func ascii(char string, wide bool) string {
	if len(char) == 1 {
		return char
	}
	if s := replaced.Replace(char); len(s) == 1 {
		return s
	}
	if wide {
		return "??"
	}
	return "?"
}
