package screen

import "strings"

// cell is one place of a Canvas.
type cell struct {
	char  string // a character with its marks; empty: a space, or the right half of a wide one
	style Style
	right bool // the right half of the wide character before it
}

// Canvas is a grid of cells. All text that it is given is cleaned: none of it can control a terminal.
type Canvas struct {
	W, H  int
	cells []cell
}

// NewCanvas returns an empty one.
func NewCanvas(w, h int) *Canvas {
	w, h = max(w, 0), max(h, 0)
	return &Canvas{w, h, make([]cell, w*h)}
}

func (c *Canvas) row(y int) []cell { return c.cells[y*c.W : (y+1)*c.W] }

// Put writes text from a cell on, up to the end of the row, and returns the column after it.
func (c *Canvas) Put(x, y int, style Style, text string) int {
	if y < 0 || y >= c.H {
		return x
	}
	row := c.row(y)
	for text = Clean(text); text != ""; {
		var char string
		var cells int
		char, cells, text = next(text)
		switch {
		case cells == 0: // a mark without a letter
			continue
		case x < 0:
			x += cells
			continue
		case x+cells > c.W:
			return c.W
		}
		c.set(row, x, cell{char: char, style: style})
		if cells == 2 {
			c.set(row, x+1, cell{style: style, right: true})
		}
		x += cells
	}
	return x
}

// set writes one cell; half of a wide character that it covers becomes a space.
func (c *Canvas) set(row []cell, x int, v cell) {
	if row[x].right && !v.right && x > 0 {
		row[x-1].char = ""
	}
	if !row[x].right && x+1 < c.W && row[x+1].right {
		row[x+1] = cell{style: row[x+1].style}
	}
	row[x] = v
}

// Right writes text so that it ends before column x.
func (c *Canvas) Right(x, y int, style Style, text string) { c.Put(x-Width(text), y, style, text) }

// Fill gives cells of a row a style; what they show stays.
func (c *Canvas) Fill(x, y, n int, style Style) {
	if y < 0 || y >= c.H {
		return
	}
	row := c.row(y)
	for i := max(x, 0); i < min(x+n, c.W); i++ {
		row[i].style = style
	}
}

// Box clears a part and draws a frame around it.
func (c *Canvas) Box(x, y, w, h int, style Style) {
	for i := range h {
		left, middle, right := "│", " ", "│"
		switch i {
		case 0:
			left, middle, right = "┌", "─", "┐"
		case h - 1:
			left, middle, right = "└", "─", "┘"
		}
		c.Put(x, y+i, style, left+strings.Repeat(middle, max(w-2, 0))+right)
	}
}

// Row is the text of a row.
func (c *Canvas) Row(y int) string {
	var b strings.Builder
	for _, v := range c.row(y) {
		switch {
		case v.right:
		case v.char == "":
			b.WriteByte(' ')
		default:
			b.WriteString(v.char)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// Look is the style of a cell.
func (c *Canvas) Look(x, y int) Style { return c.row(y)[x].style }
