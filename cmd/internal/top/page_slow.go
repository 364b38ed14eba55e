package top

import (
	"cmp"
	"strconv"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/monitor"
)

func (t tables) slowTable() table {
	out := table{columns: []column{
		{name: "STATUS", least: 6},
		{name: "TOOK", least: 6, right: true},
		{name: "BEGAN", least: 8, rank: 2},
		{name: "WORKER", least: 7, most: 24, rank: 1},
		{name: "WAIT", least: 6, right: true, rank: 3},
		{name: "APP", least: 6, right: true, rank: 3},
		{name: "SEND", least: 6, right: true, rank: 3},
		{name: "REQUEST", least: 20, flex: true},
	}}
	switch th := t.s.figures.Threshold; {
	case th <= 0:
		out.empty = "slow requests are not kept: slow_request is 0"
	default:
		out.empty = "no request has taken longer than " + took(th)
	}
	for i := range t.s.figures.Slow {
		r := &t.s.figures.Slow[i]
		where := slowWhere(r)
		took, app := t.time(r.Seconds), t.time(r.Running)
		out.rows = append(out.rows, row{key: r.ID, search: r.App + " " + r.ID + " " + r.Worker + " " + r.Upstream, under: slowLine(r), values: []value{
			{line: slowStatus(r)}, took, text(r.Started.Local().Format(time.TimeOnly)), text(where),
			t.time(r.Waiting), app, t.time(r.Sending), {line: line{{cyan, r.Method}, {normal, " " + r.Target}}},
		}})
	}
	return out
}

// slowWhere is what worked for a request, the most exact that is known.
func slowWhere(r *monitor.SlowRequest) string { return cmp.Or(r.Worker, r.Upstream, r.App) }

func slowStatus(r *monitor.SlowRequest) line {
	switch {
	case r.Runs && r.Running == 0:
		return line{{redBold, "● wait"}}
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
