package top

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/monitor"
	"github.com/standpipe/standpipe/cmd/internal/top/screen"
)

// rowsOf are the keys of the rows that are shown.
func rowsOf(m *Model) []string {
	var out []string
	for _, r := range m.table().rows {
		out = append(out, r.key)
	}
	return out
}

func shows(m *Model, texts ...string) bool {
	s := show(m).String()
	return !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(s, text) })
}

// Each key, and what it does.
func TestKeys(t *testing.T) {
	for _, c := range []struct {
		keys []screen.Key
		is   func(m *Model) bool
	}{
		{[]screen.Key{"2"}, func(m *Model) bool { return m.page == workersPage }},
		{[]screen.Key{"6"}, func(m *Model) bool { return m.page == eventsPage }},
		{[]screen.Key{"7"}, func(m *Model) bool { return m.page == appsPage }},
		{[]screen.Key{"tab"}, func(m *Model) bool { return m.page == workersPage }},
		{[]screen.Key{"shift-tab"}, func(m *Model) bool { return m.page == eventsPage }},
		{[]screen.Key{"shift-tab", "tab"}, func(m *Model) bool { return m.page == appsPage }},
		{[]screen.Key{"2", "down"}, func(m *Model) bool { return m.selection().key == "shop/2" }},
		{[]screen.Key{"2", "j", "j", "k"}, func(m *Model) bool { return m.selection().key == "shop/2" }},
		{[]screen.Key{"2", "up"}, func(m *Model) bool { return m.selection().key == "shop/1" }},
		{[]screen.Key{"2", "end"}, func(m *Model) bool { return m.selection().key == "admin/2" }},
		{[]screen.Key{"2", "G", "home"}, func(m *Model) bool { return m.selection().key == "shop/1" }},
		{[]screen.Key{"2", "pgdn"}, func(m *Model) bool { return m.selection().key == "admin/2" }},
		{[]screen.Key{"2", "G", "pgup"}, func(m *Model) bool { return m.selection().key == "shop/1" }},
		{[]screen.Key{"enter"}, func(m *Model) bool { return m.detail.kind == "app" && m.detail.key == "shop" }},
		{[]screen.Key{"enter", "esc"}, func(m *Model) bool { return m.detail == nil }},
		{[]screen.Key{"enter", "q"}, func(m *Model) bool { return m.detail == nil }},
		{[]screen.Key{"enter", "left"}, func(m *Model) bool { return m.detail == nil }},
		{[]screen.Key{"enter", "down", "down", "up"}, func(m *Model) bool { return m.detail.first == 1 }},
		{[]screen.Key{"enter", "G"}, func(m *Model) bool { return m.detail.first == len(m.details().of(m.detail))-20 }},
		{[]screen.Key{"enter", "pgdn", "g"}, func(m *Model) bool { return m.detail.first == 0 }},
		{[]screen.Key{"enter", "4"}, func(m *Model) bool { return m.detail == nil && m.page == slowPage }},
		{[]screen.Key{"p"}, func(m *Model) bool { return m.paused }},
		{[]screen.Key{" ", "p"}, func(m *Model) bool { return !m.paused }},
		{[]screen.Key{"?"}, func(m *Model) bool { return m.help && shows(m, "filter: rows") }},
		{[]screen.Key{"h", "q"}, func(m *Model) bool { return !m.help }},
		{[]screen.Key{"/", "z", "h"}, func(m *Model) bool {
			return m.typing && m.filter == "zh" && len(rowsOf(m)) == 0 && shows(m, "“zh”")
		}},
		{[]screen.Key{"/", "S", "h", "x", "backspace", "enter"}, func(m *Model) bool { return !m.typing && fmt.Sprint(rowsOf(m)) == "[shop]" }},
		{[]screen.Key{"/", "a", "enter", "esc"}, func(m *Model) bool { return m.filter == "" }},
		{[]screen.Key{"/", "a", "esc"}, func(m *Model) bool { return m.filter == "" && !m.typing }},
		{[]screen.Key{"/", "a", "b", "ctrl-u", "q"}, func(m *Model) bool { return m.filter == "q" }},
		{[]screen.Key{"/", "日"}, func(m *Model) bool { return m.filter == "日" }},
		{[]screen.Key{"2", "/", "/", "c", "a", "r", "t", "enter"}, func(m *Model) bool { return fmt.Sprint(rowsOf(m)) == "[shop/3]" && m.selection().key == "shop/3" }},
		{[]screen.Key{"s"}, func(m *Model) bool { return m.lists[appsPage].sort == "APP" && rowsOf(m)[0] == "admin" }},
		{[]screen.Key{"s", "s"}, func(m *Model) bool {
			return m.lists[appsPage].sort == "REQ/S" && fmt.Sprint(rowsOf(m)[:2]) == "[shop static]"
		}},
		{[]screen.Key{"s", "s", "S"}, func(m *Model) bool { return rowsOf(m)[3] == "shop" && shows(m, "▴REQ/S") }},
		{[]screen.Key{"S"}, func(m *Model) bool { return rowsOf(m)[0] == "static" }},
		{[]screen.Key{"2", "D"}, func(m *Model) bool { return m.dumps.all && m.dumps.workers["shop/1"].asked && shows(m, "└ asked") }},
		{[]screen.Key{"2", "D", "D"}, func(m *Model) bool { return !m.dumps.all && !shows(m, "└ asked") }},
		{[]screen.Key{"2", "d"}, func(m *Model) bool { return m.dumps.workers["shop/1"].shown }},
		{[]screen.Key{"2", "d", "d"}, func(m *Model) bool { return !m.dumps.workers["shop/1"].shown }},
		{[]screen.Key{"d"}, func(m *Model) bool { return m.detail == nil && m.notice.text != "" }},
		{[]screen.Key{"4", "d"}, func(m *Model) bool { return m.detail.kind == "worker" && m.detail.key == "shop/1" }},
		{[]screen.Key{"x"}, func(m *Model) bool { return m.prompt != nil && shows(m, "restart app shop") }},
		{[]screen.Key{"x", "esc"}, func(m *Model) bool { return m.prompt == nil }},
		{[]screen.Key{"x", "q"}, func(m *Model) bool { return m.prompt == nil }},
	} {
		m := model(80, 24)
		actions := press(m, c.keys...)
		if !c.is(m) {
			t.Errorf("%q:\n%s", c.keys, show(m))
		}
		if slices.Contains(actions, Action(Quit{})) {
			t.Errorf("%q ends the program", c.keys)
		}
	}
	for key, want := range map[screen.Key]Action{"q": Quit{}, "ctrl-c": Quit{}, "ctrl-\\": Quit{}, "ctrl-z": Suspend{}, "ctrl-l": Redraw{}, "+": Every{500 * time.Millisecond}, "-": Every{2 * time.Second}} {
		if got := press(model(80, 24), key); !slices.Contains(got, want) {
			t.Errorf("%q: %v, want %v", key, got, want)
		}
	}
	// Before the server has answered, and in a menu or a filter, too.
	if got := New("x", "", time.Second).Update(Pressed{"q"}); !slices.Contains(got, Action(Quit{})) {
		t.Error(got)
	}
	if got := press(model(80, 24), "x", "ctrl-c"); !slices.Contains(got, Action(Quit{})) {
		t.Error(got)
	}
}

// What is done is asked first; only y does it.
func TestActs(t *testing.T) {
	for _, c := range []struct {
		keys []screen.Key
		want []Action
	}{
		{[]screen.Key{"2", "x", "r", "y"}, []Action{Order{"/v1/restart", admin.Order{Worker: "shop/1"}, "shop/1: replaced"}}},
		{[]screen.Key{"2", "down", "x", "enter", "Y"}, []Action{Order{"/v1/restart", admin.Order{Worker: "shop/2"}, "shop/2: replaced"}}},
		{[]screen.Key{"2", "x", "down", "down", "up", "down", "enter", "y"}, []Action{Order{"/v1/restart", admin.Order{App: "shop"}, "shop: the new generation serves"}}},
		{[]screen.Key{"2", "x", "r", "n"}, nil}, {[]screen.Key{"2", "x", "r", "enter"}, nil}, {[]screen.Key{"2", "x", "r", "esc"}, nil}, {[]screen.Key{"2", "x", "r", "z", "q"}, nil},
		{[]screen.Key{"x", "a", "y"}, []Action{Order{"/v1/restart", admin.Order{App: "shop"}, "shop: the new generation serves"}}},
		{[]screen.Key{"down", "x", "u", "y"}, []Action{Order{"/v1/resume", admin.Order{App: "admin"}, "admin: requests are served"}}},
		{[]screen.Key{"x", "u", "y"}, []Action{Order{"/v1/pause", admin.Order{App: "shop"}, "shop: requests wait until it is resumed"}}},
		{[]screen.Key{"x", "l", "y"}, []Action{Order{"/v1/reload", admin.Order{}, "reloaded: all apps serve"}}},
		{[]screen.Key{"x", "s", "1", "x", "2", "3", "backspace", "enter", "y"}, []Action{Order{"/v1/scale", admin.Order{App: "shop", Workers: 12}, "shop: scaled to 12 workers"}}},
		{[]screen.Key{"x", "s", "1", "enter", "n"}, nil}, {[]screen.Key{"x", "s", "enter"}, nil}, {[]screen.Key{"x", "s", "0", "enter", "y"}, nil}, {[]screen.Key{"x", "s", "1", "esc"}, nil},
		{[]screen.Key{"4", "x", "r", "y"}, []Action{Order{"/v1/restart", admin.Order{Worker: "shop/1"}, "shop/1: replaced"}}},
		{[]screen.Key{"enter", "x", "a", "y"}, []Action{Order{"/v1/restart", admin.Order{App: "shop"}, "shop: the new generation serves"}}},
		{[]screen.Key{"3", "x", "l", "y"}, []Action{Order{"/v1/reload", admin.Order{}, "reloaded: all apps serve"}}},
		{[]screen.Key{"2", "x", "d"}, []Action{Dump{"shop/1"}}},
		{[]screen.Key{"G", "x", "a"}, nil}, // static is not an app
	} {
		m := model(80, 24)
		var got []Action
		for _, k := range c.keys {
			got = append(got, m.Update(Pressed{k})...)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %v, want %v", c.keys, got, c.want)
		}
	}
	m := model(80, 24, "2", "x", "r", "y")
	m.Update(Ordered{At: noon, Text: "shop/1: replaced"})
	if !shows(m, "shop/1: replaced") {
		t.Errorf("\n%s", show(m))
	}
	m.Update(Ticked{noon.Add(time.Minute)})
	if shows(m, "shop/1: replaced") {
		t.Error("it is still shown")
	}
	m.Update(Ordered{At: noon, Text: "reload failed", More: "Traceback:\n  boom", Bad: true})
	if !shows(m, "reload failed", "  boom") {
		t.Errorf("\n%s", show(m))
	}
	foreign := New("x", "it is of another folder", time.Second)
	foreign.Update(busyServer())
	if press(foreign, "x"); foreign.prompt != nil || !shows(foreign, "it is of another folder") {
		t.Errorf("\n%s", show(foreign))
	}
}

// A selected row stays selected wherever it moves, and its neighbour is selected when it goes.
func TestSelection(t *testing.T) {
	m := model(80, 12, "2", "down", "down", "down", "down", "down", "down", "down")
	if m.selection().key != "shop/8 4127" || !shows(m, "shop/8") {
		t.Fatalf("%q\n%s", m.selection().key, show(m))
	}
	e := busyServer()
	e.Top.Status.Apps[0].Processes = e.Top.Status.Apps[0].Processes[:7]
	m.Update(e)
	if m.selection().key != "admin/1" {
		t.Errorf("%q", m.selection().key)
	}
	press(m, "home", "down")
	e = busyServer()
	if m.Update(e); m.selection().key != "shop/2" || m.lists[workersPage].index != 1 {
		t.Errorf("%q %d", m.selection().key, m.lists[workersPage].index)
	}
	if press(m, "S"); m.selection().key != "shop/2" || m.lists[workersPage].index != 8 {
		t.Errorf("%q %d", m.selection().key, m.lists[workersPage].index)
	}
	e.Top.Status.Apps = nil
	if m.Update(e); !shows(m, "no worker runs") {
		t.Errorf("\n%s", show(m))
	}
}

// A pause keeps what is shown; the newest state comes after it.
func TestPause(t *testing.T) {
	m := model(80, 24, "p")
	e := busyServer()
	e.At, e.Top.Figures.Apps[0].Requests = noon.Add(time.Second), 999
	if m.Update(e); !shows(m, "paused", "183") {
		t.Errorf("\n%s", show(m))
	}
	if press(m, "p"); !shows(m, "999") || shows(m, "paused ") && !shows(m, "admin paused") {
		t.Errorf("\n%s", show(m))
	}
	if actions := press(model(80, 24, "p"), "2", "D"); len(actions) != 0 {
		t.Errorf("workers are asked during a pause: %v", actions)
	}
}

// A server that is gone is named, and what is shown is faint until it is back.
func TestLost(t *testing.T) {
	m := New("/run/x.sock", "", time.Second)
	m.Update(Ticked{noon})
	if !shows(m, "asking /run/x.sock") {
		t.Errorf("\n%s", show(m))
	}
	m.Update(Lost{noon, "/run/x.sock: connection refused\x1b[2J"})
	if !shows(m, "no answer: /run/x.sock: connection refused?[2J") {
		t.Errorf("\n%s", show(m))
	}
	m = model(80, 24)
	m.Update(Lost{noon.Add(time.Second), "gone"})
	m.Update(Ticked{noon.Add(13 * time.Second)})
	m.Update(Lost{noon.Add(14 * time.Second), "gone"})
	if c := show(m); !shows(m, "no answer for 13s", "shop") || c.Look(2, 4) != faint {
		t.Errorf("\n%s", c)
	}
	if actions := press(m, "2", "D"); len(actions) != 0 {
		t.Errorf("workers are asked: %v", actions)
	}
	if m.Update(busyServer()); shows(m, "no answer") {
		t.Errorf("\n%s", show(m))
	}
}

// Counters become rates; those of another process of the server do not.
func TestRates(t *testing.T) {
	m := model(100, 24, "2")
	speed := func(seconds float64, served int64, pid int) float64 {
		e := busyServer()
		e.At = noon.Add(time.Duration(seconds * float64(time.Second)))
		e.Top.Status.Pid = pid
		e.Top.Status.Apps[0].Processes[0].Served = served
		m.Update(e)
		return m.shown.rates.speed["shop/1 4120"]
	}
	if got := speed(1, 9130, 4100); got != 10 {
		t.Errorf("%v", got)
	}
	if got := speed(1.05, 9131, 4100); got != 10 { // too short for a rate
		t.Errorf("%v", got)
	}
	if got := speed(2, 9150, 4100); got <= 10 || got >= 20 { // a mean
		t.Errorf("%v", got)
	}
	if got := speed(3, 1<<40, 1); got != 0 {
		t.Errorf("%v", got)
	}
}

// A worker is asked again after two seconds, and not while its answer is awaited.
func TestDumps(t *testing.T) {
	m := model(100, 24)
	if got := press(m, "2", "D"); len(got) != 6 {
		t.Fatalf("%v", got)
	}
	if got := m.Update(Ticked{noon.Add(time.Minute)}); len(got) != 0 {
		t.Errorf("%v", got)
	}
	m.Update(Dumped{At: noon.Add(time.Minute), Worker: "shop/1", Stacks: stacks})
	m.Update(Dumped{At: noon.Add(time.Minute), Worker: "shop/2", Err: "shop/2 does not respond\x1b[31m"})
	m.Update(Dumped{At: noon.Add(time.Minute), Worker: "shop/3"})
	if !shows(m, "└ shop/reports.py:88 in build: rows = cur.fetchall()", "└ shop/2 does not respond?[31m", "└ runs no code of the app") {
		t.Errorf("\n%s", show(m))
	}
	if c := show(m); c.Look(7, 5) != cyan {
		t.Errorf("%+v\n%s", c.Look(7, 5), c)
	}
	other := busyServer() // shop/1 runs another request than the one of its line
	other.At, other.Top.Status.Apps[0].Processes[0].Requests[0].Seconds = noon.Add(time.Minute+time.Second), 0.5
	m.Update(other)
	if c := show(m); c.Look(7, 5) != faint {
		t.Errorf("%+v\n%s", c.Look(7, 5), c)
	}
	if got := m.Update(Ticked{noon.Add(time.Minute + 1900*time.Millisecond)}); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if got := m.Update(Ticked{noon.Add(time.Minute + 2*time.Second)}); fmt.Sprint(got) != "[{shop/1} {shop/2} {shop/3}]" {
		t.Errorf("%v", got)
	}
	if got := press(m, "1"); len(got) != 0 {
		t.Errorf("%v", got)
	}
	e := busyServer()
	e.Top.Status.Apps = e.Top.Status.Apps[1:]
	m.Update(Dumped{At: noon.Add(time.Minute), Worker: "shop/1"})
	if m.Update(e); m.dumps.workers["shop/1"] != nil {
		t.Error("a worker that is gone is kept")
	}
}

// The last hour begins with what the server remembers, and grows by a value every five seconds.
func TestPast(t *testing.T) {
	m := model(80, 24)
	before := len(m.past.of("shop").requests)
	if before != 300 || len(m.past.of(total).requests) != 300 || m.past.of(total).requests[0] <= m.past.of("shop").requests[0] {
		t.Errorf("%d values", before)
	}
	for i := range 1000 {
		e := busyServer()
		e.At = noon.Add(time.Duration(i) * time.Second)
		m.Update(e)
	}
	s := m.past.of("shop")
	if got := len(s.requests); got < before+190 || got > before+201 || s.requests[got-1] != 183.2 || s.busy[got-1] != 6 || s.cpu[got-1] != m.shown.processors() {
		t.Errorf("%d values, the last %v %v %v", got, s.requests[got-1], s.busy[got-1], s.cpu[got-1])
	}
	for i := range 1000 {
		e := busyServer()
		e.At = noon.Add(time.Duration(i) * pastStep)
		e.Top.Figures.Apps = append(e.Top.Figures.Apps, monitor.AppFigures{App: fmt.Sprint("x", i)})
		m.Update(e)
	}
	if n := len(m.past.of("shop").requests); n > pastMost || len(m.past.apps) > pastApps {
		t.Errorf("%d values of %d apps", n, len(m.past.apps))
	}
}

func TestFormats(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{rate(0), "0"}, {rate(0.01), "<0.1"}, {rate(0.3), "0.3"}, {rate(99.94), "99.9"}, {rate(183.2), "183"}, {rate(123456), "123k"},
		{count(99999), "99999"}, {count(100000), "100k"}, {count(1234567), "1.23M"}, {count(12345678), "12.3M"}, {count(5e9), "5.00G"},
		{took(0), "-"}, {took(2e-9), "1µs"}, {took(0.00004), "40µs"}, {took(0.0003), "0.3ms"}, {took(0.0099), "9.9ms"}, {took(0.047), "47ms"}, {took(0.9996), "1.00s"}, {took(1.31), "1.31s"}, {took(27.4), "27.4s"}, {took(125), "2m05s"},
		{age(0.4), "0s"}, {age(59.9), "59s"}, {age(7860), "2h11m"}, {age(200000), "2d07h"},
		{size(0), "-"}, {size(512), "512B"}, {size(2048), "2.0K"}, {size(84 << 20), "84M"}, {size(1.5 * (1 << 30)), "1.5G"},
		{share(0, 0), "-"}, {share(0, 5), "0%"}, {share(0.0001, 5), "<0.1%"}, {share(0.4, 183), "0.2%"}, {share(57, 183), "31%"}, {share(5, 5), "100%"},
		{several(1, "worker"), "1 worker"}, {several(2, "worker"), "2 workers"},
	} {
		if c.got != c.want || len([]rune(c.got)) > 9 {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

// The bar of workers has a cell for each state that has a worker, and never more than it may.
func TestWorkersBar(t *testing.T) {
	for _, c := range []struct {
		app  admin.App
		want string
	}{
		{admin.App{}, "-"}, {admin.App{Idle: 2}, "░░ 0/2"}, {admin.App{Busy: 6, Booting: 1, Idle: 1}, "████▒░ 6/8"},
		{admin.App{Busy: 97, BackingOff: 1, Draining: 1, Idle: 1}, "▒███▓░ 97/100"}, {admin.App{Busy: 100}, "██████ 100/100"}, {admin.App{Busy: 1, Booting: 1, Draining: 1, BackingOff: 1, Idle: 96}, "▒█▒▓░░ 1/100"},
	} {
		if got := line(workersBar(&c.app, 6)).String(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.app, got, c.want)
		}
	}
}
