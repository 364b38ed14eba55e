package top

import (
	"github.com/standpipe/standpipe/cmd/internal/top/screen"
)

// page is one of those that the digits choose.
type page int

const (
	appsPage page = iota
	workersPage
	upstreamsPage
	slowPage
	cachePage
	eventsPage
	pages
)

var pageNames = [pages]string{"apps", "workers", "upstreams", "slow", "cache", "events"}

// kinds are what the rows of a page are.
var kinds = [pages]string{"app", "worker", "upstream", "slow", "cache", "event"}

var (
	normal  = screen.Style{}
	bold    = screen.Style{Bold: true}
	faint   = screen.Style{Faint: true}
	red     = screen.Style{Fg: screen.Red}
	redBold = screen.Style{Fg: screen.Red, Bold: true}
	green   = screen.Style{Fg: screen.Green}
	yellow  = screen.Style{Fg: screen.Yellow}
	blue    = screen.Style{Fg: screen.Blue}
	magenta = screen.Style{Fg: screen.Magenta}
	cyan    = screen.Style{Fg: screen.Cyan}
)

// tables makes the tables of the pages.
type tables struct {
	s     *snapshot
	dumps *dumps
	past  *past
}

func (m *Model) tables() tables { return tables{m.shown, &m.dumps, &m.past} }

// of is the table of a page, not filtered, in the server's order.
func (t tables) of(p page) table {
	switch p {
	case workersPage:
		return t.workersTable()
	case upstreamsPage:
		return t.upstreamsTable()
	case slowPage:
		return t.slowTable()
	case cachePage:
		return t.cacheTable()
	case eventsPage:
		return t.eventsTable()
	}
	return t.appsTable()
}

// table is that of the present page as it is shown.
func (m *Model) table() table {
	t := m.tables().of(m.page)
	if m.filter != "" && len(t.rows) > 0 {
		t.filter(m.filter)
		t.empty = "nothing here has “" + m.filter + "”; Esc ends the filter"
	}
	t.sort(m.lists[m.page].sort, m.lists[m.page].reverse)
	return t
}

// bodyLines is how many lines the rows of a page have.
func (m *Model) bodyLines(t *table) int {
	lines := m.h - headLines - 2 // the names of the columns, and the keys
	if m.page == appsPage {
		lines -= panelLines(t, lines)
	}
	return max(lines, 1)
}
