package top

import (
	"time"
	"unicode/utf8"

	"github.com/standpipe/standpipe/cmd/internal/monitor"
	"github.com/standpipe/standpipe/cmd/internal/top/screen"
)

// intervals are how often the server may be asked.
var intervals = []time.Duration{200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute}

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
		return nil
	case m.prompt != nil:
		return asking{m}.answer(key)
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
		if m.foreign != "" {
			m.say(m.foreign, true)
			return nil
		}
		m.prompt = m.selection().menu()
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
	worker := m.selection().worker()
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

// selection is what is selected: a row of a page, or what a detail shows.
type selection struct {
	s    *snapshot
	kind string // as in kinds
	key  string
}

func (m *Model) selection() selection {
	if m.detail != nil {
		return selection{m.shown, m.detail.kind, m.detail.key}
	}
	return selection{m.shown, kinds[m.page], m.lists[m.page].selected}
}

// slow is the slow request that is selected; nil: none is.
func (s selection) slow() *monitor.SlowRequest {
	for i := range s.s.figures.Slow {
		if r := &s.s.figures.Slow[i]; s.kind == "slow" && r.ID == s.key {
			return r
		}
	}
	return nil
}

// worker is the one that a key is for; empty: there is none.
func (s selection) worker() string {
	if r := s.slow(); r != nil && r.Runs {
		return r.Worker
	}
	if _, w := s.s.worker(s.key); s.kind == "worker" && w != nil {
		return s.key
	}
	return ""
}

// app is the one that a key is for; empty: there is none.
func (s selection) app() string {
	name := ""
	switch s.kind {
	case "app":
		name = s.key
	case "worker":
		name = appOf(s.key)
	case "slow":
		if r := s.slow(); r != nil {
			name = r.App
		}
	}
	switch {
	case s.s.isApp(name):
		return name
	case name == "" && len(s.s.status.Apps) == 1:
		return s.s.status.Apps[0].Name
	}
	return ""
}
