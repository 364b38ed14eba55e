package top

import (
	"fmt"
	"slices"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/admin"
)

func (t tables) workersTable() table {
	out := table{empty: "no worker runs", columns: []column{
		{name: "WORKER", least: 7, most: 24},
		{name: "PID", least: 6, right: true, rank: 3},
		{name: "GEN", least: 3, right: true, rank: 2},
		{name: "STATE", least: 5, most: 20},
		{name: "RSS", least: 4, right: true, rank: 1},
		{name: "CPU", least: 4, right: true, rank: 6},
		{name: "REQS", least: 5, right: true, rank: 4},
		{name: "REQ/S", least: 5, right: true, rank: 5},
		{name: "AGE", least: 6, right: true, rank: 2},
		{name: "FOR", least: 5, right: true},
		{name: "REQUEST", least: 20, flex: true},
	}}
	for i := range t.s.status.Apps {
		a := &t.s.status.Apps[i]
		for _, w := range numbered(a) {
			out.rows = append(out.rows, t.workerRow(a, w))
		}
		for j := range a.Templates {
			out.rows = append(out.rows, templateRow(&a.Templates[j]))
		}
	}
	return out
}

// numbered are the workers of an app in the order of their numbers.
func numbered(a *admin.App) []*admin.Worker {
	list := make([]*admin.Worker, len(a.Processes))
	for i := range a.Processes {
		list[i] = &a.Processes[i]
	}
	number := func(w *admin.Worker) int {
		_, n, _ := admin.ParseWorker(w.Name)
		return n
	}
	slices.SortStableFunc(list, func(a, b *admin.Worker) int { return number(a) - number(b) })
	return list
}

func (t tables) workerRow(a *admin.App, w *admin.Worker) row {
	request, since := t.current(w)
	speed := t.s.rates.speed[processKey(w)]
	bytes, cpu := float64(memory(a, w)), t.s.cpu(w.Pid)
	r := row{key: w.Name, search: w.Release, values: []value{
		styled(bold, w.Name), number(float64(w.Pid), count(int64(w.Pid))), number(float64(w.Generation), count(int64(w.Generation))), {line: stateOf(w)},
		number(bytes, size(bytes)), number(cpu, share(cpu, 1)), number(float64(w.Served), count(w.Served)), number(speed, rate(speed)), number(w.Up, age(w.Up)), t.time(since), {line: request},
	}}
	if w.State != serving && w.Name != "" { // a worker and its replacement have one name
		r.key = fmt.Sprintf("%s %d", w.Name, w.Pid)
	}
	if t.dumps.shows(w.Name, w) && w.State == serving {
		r.under = t.under(w.Name, since)
	}
	return r
}

// under is the line below a worker: where it is in Python. since is for how long it has run its request: a line that is
// older than that is faint.
func (t tables) under(worker string, since float64) line {
	d := t.dumps.of(worker)
	l := line{{faint, "└ "}}
	switch {
	case d.err != "":
		return append(l, part{red, d.err})
	case d.line != "" && d.at.Before(t.s.at.Add(-time.Duration(since*float64(time.Second)))):
		return append(l, part{faint, d.line})
	case d.line != "":
		return append(l, part{cyan, d.line})
	case d.at.IsZero():
		return append(l, part{faint, "asked …"})
	}
	return append(l, part{faint, "runs no code of the app"})
}

// current is the request that a worker has run for the longest time, and for how many seconds.
func (t tables) current(w *admin.Worker) (line, float64) {
	if len(w.Requests) == 0 {
		return nil, 0
	}
	oldest := &w.Requests[0]
	for i := range w.Requests {
		if w.Requests[i].Seconds > oldest.Seconds {
			oldest = &w.Requests[i]
		}
	}
	l := line{{cyan, oldest.Method}, {normal, " " + oldest.Target}}
	if n := len(w.Requests) - 1; n > 0 {
		l = append(line{{yellow, fmt.Sprintf("+%d ", n)}}, l...)
	}
	return l, oldest.Seconds
}

func stateOf(w *admin.Worker) line {
	var l line
	switch {
	case w.State == serving && len(w.Requests) > 0:
		l = line{{green, "busy"}}
	case w.State == serving:
		l = line{{faint, "idle"}}
	case w.State == "starting", w.State == "booting":
		l = line{{yellow, w.State}}
	case w.State == "killing":
		l = line{{redBold, w.State}}
	default:
		l = line{{magenta, w.State}}
	}
	if w.Due != "" && w.Due != "none" {
		l = append(l, part{yellow, " " + w.Due})
	}
	return l
}

func templateRow(t *admin.Template) row {
	state := styled(yellow, "importing")
	if t.Ready {
		state = styled(faint, "template")
	}
	return row{key: t.Name, faint: true, values: []value{
		text(t.Name), number(float64(t.Pid), count(int64(t.Pid))), number(float64(t.Generation), count(int64(t.Generation))), state,
		number(float64(t.PSS), size(float64(t.PSS))), text(""), text(""), text(""), number(t.Up, age(t.Up)), text(""), styled(faint, several(t.Forks, "fork")),
	}}
}

// memoryOf is the memory of all workers, and how many there are.
func (s *snapshot) memoryOf() (bytes float64, processes int) {
	for i := range s.status.Apps {
		a := &s.status.Apps[i]
		for j := range a.Processes {
			bytes += float64(memory(a, &a.Processes[j]))
			processes++
		}
		for j := range a.Templates {
			bytes += float64(a.Templates[j].PSS)
		}
	}
	return bytes, processes
}

// processors is the processor time per second of all workers.
func (s *snapshot) processors() float64 {
	sum := 0.0
	for i := range s.figures.Workers {
		sum += s.figures.Workers[i].CPU
	}
	return sum
}
