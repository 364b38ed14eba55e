package top

import (
	"cmp"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/top/screen"
)

// part is a piece of a line.
type part struct {
	style screen.Style
	text  string
}

// line is text in several styles.
type line []part

func (l line) String() string {
	var b strings.Builder
	for _, p := range l {
		b.WriteString(p.text)
	}
	return b.String()
}

func (l line) width() int {
	n := 0
	for _, p := range l {
		n += screen.Width(p.text)
	}
	return n
}

// column is one of a table. Text of a client or an app may be longer than it.
type column struct {
	name   string
	least  int // cells
	most   int // cells that its widest value may take; 0: least
	flex   bool
	right  bool // numbers
	rank   int  // where there is no room, the columns of the highest rank are left out; 0: never
	noSort bool
}

// value is that of a row in a column.
type value struct {
	line line
	num  float64              // to sort by; text sorts by itself
	draw func(cells int) line // in place of line, for what fills the column
}

// row is one of a table.
type row struct {
	key    string // the same as long as the row is
	values []value
	under  line   // a second line; nil: there is none
	search string // more that the filter looks at
	faint  bool
}

func (r *row) height() int {
	if r.under != nil {
		return 2
	}
	return 1
}

// table is what a page lists.
type table struct {
	columns []column
	rows    []row
	empty   string // what is said where there is no row
}

func text(s string) value { return value{line: line{{text: s}}} }

func styled(style screen.Style, s string) value { return value{line: line{{style, s}}} }

// number is a value that sorts by a number.
func number(n float64, s string) value {
	v := text(s)
	v.num = n
	if s == "0" || s == "-" || s == "0%" {
		v.line[0].style.Faint = true
	}
	return v
}

func (v value) with(style screen.Style) value {
	v.line = line{{style, v.line.String()}}
	return v
}

// filter leaves out rows that do not have the text, in any case.
func (t *table) filter(want string) {
	if want == "" {
		return
	}
	want = strings.ToLower(want)
	t.rows = slices.DeleteFunc(t.rows, func(r row) bool {
		if strings.Contains(strings.ToLower(r.search), want) || strings.Contains(strings.ToLower(r.under.String()), want) {
			return false
		}
		return !slices.ContainsFunc(r.values, func(v value) bool { return strings.Contains(strings.ToLower(v.line.String()), want) })
	})
}

// sort orders the rows by a column: numbers from the largest on, text from the smallest. Equal ones keep their order.
func (t *table) sort(name string, reverse bool) {
	i := slices.IndexFunc(t.columns, func(c column) bool { return c.name == name })
	if i < 0 {
		if reverse {
			slices.Reverse(t.rows)
		}
		return
	}
	slices.SortStableFunc(t.rows, func(a, b row) int {
		var n int
		if t.columns[i].right {
			n = cmp.Compare(b.values[i].num, a.values[i].num)
		} else {
			n = cmp.Compare(a.values[i].line.String(), b.values[i].line.String())
		}
		if reverse {
			n = -n
		}
		return n
	})
}

// place is where a column is.
type place struct {
	column   int
	x, cells int
}

// fit chooses the columns that have room, and their widths.
func (t *table) fit(w int) []place {
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = max(c.least, screen.Width(c.name))
		if c.most > c.least && !c.flex { // a flexible one gets what is left
			for _, r := range t.rows {
				widths[i] = max(widths[i], min(r.values[i].line.width(), c.most))
			}
		}
	}
	in := make([]bool, len(t.columns))
	for i := range in {
		in[i] = true
	}
	gap := 2
	if w < 100 {
		gap = 1
	}
	need := func() int {
		n := -gap
		for i, yes := range in {
			if yes {
				n += widths[i] + gap
			}
		}
		return n
	}
	for need() > w {
		worst := -1
		for i, c := range t.columns {
			if in[i] && c.rank > 0 && (worst < 0 || c.rank >= t.columns[worst].rank) {
				worst = i
			}
		}
		if worst < 0 {
			break
		}
		in[worst] = false
	}
	widths = t.stretch(widths, in, w-need())
	var out []place
	x := 0
	for i, yes := range in {
		if yes && x < w {
			out = append(out, place{i, x, min(widths[i], w-x)})
			x += widths[i] + gap
		}
	}
	return out
}

// stretch gives the room that is left (below 0: is missing) to the flexible columns, else takes it from the widest text.
func (t *table) stretch(widths []int, in []bool, left int) []int {
	var flexible []int
	for i, c := range t.columns {
		if in[i] && c.flex {
			flexible = append(flexible, i)
		}
	}
	for n, i := range flexible {
		if left <= 0 {
			break
		}
		more := left / (len(flexible) - n)
		widths[i] += more
		left -= more
	}
	for left < 0 {
		widest := -1
		for i, c := range t.columns {
			if in[i] && c.most > 0 && widths[i] > 6 && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
		left++
	}
	return widths
}

// put writes a line into so many cells.
func put(c *screen.Canvas, x, y, cells int, l line, right bool) {
	if right {
		x, cells = x+max(0, cells-l.width()), min(cells, l.width())
	}
	for _, p := range l {
		if cells <= 0 {
			return
		}
		s := screen.Clip(p.text, cells)
		c.Put(x, y, p.style, s)
		n := screen.Width(s)
		x, cells = x+n, cells-n
	}
}
