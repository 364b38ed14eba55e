package top

import "slices"

// list is what a page remembers: the selected row, the order, the first row that is visible.
type list struct {
	sort     string // name of a column; empty: the server's order
	reverse  bool
	selected string // key of a row
	index    int    // where that was when it was last seen
	first    int
}

// settle finds the selected row again, and scrolls so that it is visible in so many lines.
func (l *list) settle(rows []row, lines int) {
	if len(rows) == 0 {
		l.index, l.first = 0, 0
		return
	}
	if i := slices.IndexFunc(rows, func(r row) bool { return r.key == l.selected }); i >= 0 {
		l.index = i
	}
	l.index = min(max(l.index, 0), len(rows)-1)
	l.selected = rows[l.index].key
	l.first = min(max(l.first, 0), l.index)
	for height(rows[l.first:l.index+1]) > lines && l.first < l.index {
		l.first++
	}
	for l.first > 0 && height(rows[l.first-1:]) <= lines { // no empty lines below the last row
		l.first--
	}
}

func height(rows []row) int {
	n := 0
	for i := range rows {
		n += rows[i].height()
	}
	return n
}

// move selects another row.
func (l *list) move(rows []row, by int) {
	if len(rows) == 0 {
		return
	}
	l.index = min(max(l.index+by, 0), len(rows)-1)
	l.selected = rows[l.index].key
}

// next orders by the next column that can be sorted by; after the last one, by none.
func (l *list) next(columns []column) {
	i := slices.IndexFunc(columns, func(c column) bool { return c.name == l.sort })
	l.reverse = false
	for i++; i < len(columns); i++ {
		if !columns[i].noSort {
			l.sort = columns[i].name
			return
		}
	}
	l.sort = ""
}
