package top

import (
	"time"
	"unicode/utf8"

	"github.com/standpipe/standpipe/cmd/internal/top/screen"
)

// intervals are how often the server may be asked.
var intervals = []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute}

// longestFilter is in characters.
const longestFilter = 60

// press does what a key means.
func (m *Model) press(key screen.Key) []Action {
	switch key { // at any time
	case "ctrl-c", "ctrl-\\":
		return []Action{Quit{}}
	case "ctrl-z":
		return []Action{Suspend{}}
	case "ctrl-l":
		return []Action{Redraw{}}
	}
	switch {
	case m.help:
		m.help = false
		if key == "q" {
			return nil
		}
		return nil
	case m.prompt != nil:
		return m.answer(key)
	case m.typing:
		m.edit(key)
		return nil
	case m.shown == nil:
		if key == "q" || key == "esc" {
			return []Action{Quit{}}
		}
		return nil
	}
	switch key {
	case "q":
		if m.detail != nil {
			m.detail = nil
			return nil
		}
		return []Action{Quit{}}
	case "?", "h":
		m.help = true
	case "p", " ":
		m.pause()
	case "x":
		m.prompt = m.menu()
	case "d":
		return m.line()
	case "+", "-":
		return m.interval(key == "+")
	case "esc", "left", "backspace":
		m.back()
	default:
		if m.detail != nil {
			m.scroll(key)
			return nil
		}
		m.browse(key)
	}
	return nil
}

// browse does what a key means on a page.
func (m *Model) browse(key screen.Key) {
	l := &m.lists[m.page]
	t := m.table()
	step := max(m.bodyLines(&t)-1, 1)
	switch key {
	case "up", "k":
		l.move(t.rows, -1)
	case "down", "j":
		l.move(t.rows, 1)
	case "pgup":
		l.move(t.rows, -step)
	case "pgdn":
		l.move(t.rows, step)
	case "home", "g":
		l.move(t.rows, -len(t.rows))
	case "end", "G":
		l.move(t.rows, len(t.rows))
	case "/":
		m.typing = true
	case "s":
		l.next(t.columns)
	case "S":
		l.reverse = !l.reverse
	case "D":
		m.dumps.all = !m.dumps.all
		m.page = workersPage
	case "tab":
		m.page = (m.page + 1) % pages
	case "shift-tab":
		m.page = (m.page + pages - 1) % pages
	case "enter", "right":
		m.open(t.rows)
	default:
		if len(key) == 1 && key[0] >= '1' && key[0] < '1'+byte(pages) {
			m.page = page(key[0] - '1')
		}
	}
}

func (m *Model) pause() {
	m.paused = !m.paused
	if !m.paused && m.newest != nil {
		m.shown, m.newest = m.newest, nil
	}
}

// back closes a detail, else ends the filter.
func (m *Model) back() {
	if m.detail != nil {
		m.detail = nil
		return
	}
	m.filter = ""
}

// edit changes the filter.
func (m *Model) edit(key screen.Key) {
	switch key {
	case "enter":
		m.typing = false
	case "esc":
		m.typing, m.filter = false, ""
	case "up", "down":
		m.browse(key)
	default:
		m.filter = typed(m.filter, key)
	}
}

// typed is text after a key.
func typed(text string, key screen.Key) string {
	switch {
	case key == "backspace":
		_, n := utf8.DecodeLastRuneInString(text)
		return text[:len(text)-n]
	case key == "ctrl-u", key == "ctrl-w":
		return ""
	case utf8.RuneCountInString(string(key)) == 1 && utf8.RuneCountInString(text) < longestFilter:
		return text + string(key)
	}
	return text
}

// line shows or hides the line of Python of the selected worker, and asks again where its stacks are shown.
func (m *Model) line() []Action {
	worker := m.selectedWorker()
	if worker == "" {
		m.say("select a worker, or a request that runs in one", false)
		return nil
	}
	if m.detail != nil || m.page != workersPage {
		if m.detail == nil || m.detail.kind != "worker" {
			m.detail = &detail{kind: "worker", key: worker}
		}
		return m.dumps.ask(worker, m.now, true)
	}
	d := m.dumps.of(worker)
	d.shown = !d.shown
	if !d.shown {
		return nil
	}
	return m.dumps.ask(worker, m.now, true)
}

func (m *Model) interval(faster bool) []Action {
	at := 0
	for i, v := range intervals {
		if v <= m.every {
			at = i
		}
	}
	if faster {
		at--
	} else {
		at++
	}
	m.every = intervals[min(max(at, 0), len(intervals)-1)]
	m.say("the server is asked every "+m.every.String(), false)
	return []Action{Every{m.every}}
}

// selected is the key of the selected row, or of what the detail shows.
func (m *Model) selected() string {
	if m.detail != nil {
		return m.detail.key
	}
	return m.lists[m.page].selected
}

// selectedWorker is the worker that a key is for; empty: there is none.
func (m *Model) selectedWorker() string {
	kind, key := m.kind(), m.selected()
	switch kind {
	case "worker":
		if _, w := m.shown.worker(key); w != nil {
			return key
		}
	case "slow":
		for i := range m.shown.figures.Slow {
			if r := &m.shown.figures.Slow[i]; r.ID == key && r.Runs {
				return r.Worker
			}
		}
	}
	return ""
}

// selectedApp is the app that a key is for; empty: there is none.
func (m *Model) selectedApp() string {
	key := m.selected()
	switch m.kind() {
	case "app":
	case "worker":
		key = appOf(key)
	case "slow":
		for i := range m.shown.figures.Slow {
			if r := &m.shown.figures.Slow[i]; r.ID == key {
				key = r.App
			}
		}
	default:
		key = ""
	}
	if m.shown.isApp(key) {
		return key
	}
	if len(m.shown.status.Apps) == 1 {
		return m.shown.status.Apps[0].Name
	}
	return ""
}

// kind is of what is selected: "app", "worker", "upstream", "slow", "cache", "event".
func (m *Model) kind() string {
	if m.detail != nil {
		return m.detail.kind
	}
	return kinds[m.page]
}
