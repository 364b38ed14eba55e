package top

import (
	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/top/screen"
)

func (t tables) upstreamsTable() table {
	out := table{empty: "no route goes to another server", columns: []column{
		{name: "ROUTE", least: 5, most: 24},
		{name: "ADDRESS", least: 20, flex: true},
		{name: "STATE", least: 9, most: 22},
		{name: "NOW", least: 4, right: true},
		{name: "REQ/S", least: 6, right: true},
		{name: "LATENCY", least: 7, right: true},
		{name: "REQS", least: 6, right: true, rank: 3},
		{name: "FAILED", least: 6, right: true},
		{name: "RETRIES", least: 7, right: true, rank: 1},
		{name: "EJECTED", least: 7, right: true, rank: 2},
		{name: "CHECK", least: 9, most: 14, rank: 4},
	}}
	for i := range t.s.status.Upstreams {
		u := &t.s.status.Upstreams[i]
		speed := t.s.rates.speed[upstreamKey(u)]
		r := row{key: upstreamKey(u), search: u.Reason, values: []value{
			styled(bold, u.Route), text(u.Address), {line: upstreamState(u)}, number(float64(u.InFlight), count(u.InFlight)), number(speed, rate(speed)), number(u.Latency, took(u.Latency)),
			number(float64(u.Requests), count(u.Requests)), number(float64(u.Failures), count(u.Failures)), number(float64(u.Retries), count(u.Retries)), number(float64(u.Ejections), count(u.Ejections)),
			{line: t.check(u)},
		}}
		if u.Failures > 0 {
			r.values[7] = r.values[7].with(yellow)
		}
		if u.State != "available" && u.Reason != "" {
			r.under = line{{faint, "└ "}, {red, u.Reason}}
		}
		out.rows = append(out.rows, r)
	}
	return out
}

func upstreamState(u *admin.Upstream) line {
	style := redBold
	switch u.State {
	case "available":
		style = green
	case "refusing":
		style = yellow
	case "down":
		style = faint
	}
	l := line{{style, u.State}}
	if u.Left > 0 {
		l = append(l, part{style, " " + age(u.Left)})
	}
	if u.Backup {
		l = append(l, part{faint, " backup"})
	}
	return l
}

func (t tables) check(u *admin.Upstream) line {
	if u.Check == nil {
		return line{{faint, "-"}}
	}
	style, word := screen.Style{Faint: true}, "passed"
	if u.Check.Error != "" {
		style, word = red, "failed"
	}
	return line{{style, word + " " + age(t.s.at.Sub(u.Check.At).Seconds())}}
}
