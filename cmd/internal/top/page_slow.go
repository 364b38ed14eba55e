package top

import (
	"strconv"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/monitor"
)

func (m *Model) slowTable() table {
	t := table{columns: []column{
		{name: "STATUS", least: 6},
		{name: "TOOK", least: 6, right: true},
		{name: "BEGAN", least: 8, rank: 2},
		{name: "WORKER", least: 7, most: 24, rank: 1},
		{name: "WAIT", least: 6, right: true, rank: 3},
		{name: "APP", least: 6, right: true, rank: 3},
		{name: "SEND", least: 6, right: true, rank: 3},
		{name: "REQUEST", least: 20, most: 400, flex: true},
	}}
	switch th := m.shown.figures.Threshold; {
	case th <= 0:
		t.empty = "slow requests are not kept: slow_request is 0"
	default:
		t.empty = "no request has taken longer than " + took(th)
	}
	for i := range m.shown.figures.Slow {
		r := &m.shown.figures.Slow[i]
		where := r.Worker
		if where == "" {
			where = r.App
		}
		took, app := m.time(r.Seconds), m.time(r.Running)
		t.rows = append(t.rows, row{key: r.ID, search: r.App + " " + r.ID, under: slowLine(r), values: []value{
			{line: slowStatus(r)}, took, text(r.Started.Local().Format(time.TimeOnly)), text(where),
			m.time(r.Waiting), app, m.time(r.Sending), {line: line{{cyan, r.Method}, {normal, " " + r.Target}}},
		}})
	}
	return t
}

func slowStatus(r *monitor.SlowRequest) line {
	switch {
	case r.Runs:
		return line{{redBold, "● runs"}}
	case r.Status >= 500:
		return line{{red, strconv.Itoa(r.Status)}}
	case r.Status >= 400:
		return line{{yellow, strconv.Itoa(r.Status)}}
	case r.Status == 0:
		return line{{red, "cut"}}
	}
	return line{{green, strconv.Itoa(r.Status)}}
}

// slowLine is where the request was in Python, if that is known.
func slowLine(r *monitor.SlowRequest) line {
	if r.Line == "" {
		return nil
	}
	return line{{faint, "└ "}, {cyan, r.Line}}
}

// running is how many slow requests have not ended.
func (s *snapshot) running() int {
	n := 0
	for i := range s.figures.Slow {
		if s.figures.Slow[i].Runs {
			n++
		}
	}
	return n
}
