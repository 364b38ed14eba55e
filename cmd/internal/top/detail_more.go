package top

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/monitor"
	"github.com/standpipe/standpipe/cmd/internal/top/screen"
)

// workerText is all about a worker: its requests and its stacks.
func (d details) workerText(key string) []line {
	name, _, _ := strings.Cut(key, " ")
	a, w := d.t.s.worker(name)
	if w == nil {
		return gone(name + " does not run any more")
	}
	out := []line{
		append(line{{bold, w.Name + "  "}}, stateOf(w)...), nil,
		field("process", part{normal, fmt.Sprintf("pid %d  generation %d  up %s  %s", w.Pid, w.Generation, age(w.Up), size(float64(memory(a, w))))}, part{faint, "  cpu " + share(d.t.s.cpu(w.Pid), 1)}),
		field("served", part{normal, count(w.Served) + "  now " + rate(d.t.s.rates.speed[processKey(w)]) + "/s"}),
	}
	if w.Release != "" {
		out = append(out, field("release", part{normal, w.Release}))
	}
	if w.PSS > 0 && w.RSS > 0 {
		out = append(out, field("memory", part{normal, size(float64(w.RSS)) + " resident, " + size(float64(w.PSS)) + " with shared pages divided"}))
	}
	for i := range w.Requests {
		r := &w.Requests[i]
		head := ""
		if i == 0 {
			out = append(out, nil)
			head = "runs"
		}
		out = append(out, field(head, part{d.t.time(r.Seconds).line[0].style, fmt.Sprintf("%6s ", took(r.Seconds))}, part{cyan, r.Method}, part{normal, " " + r.Target}, part{faint, "  " + r.ID}))
	}
	out = append(out, nil)
	dump := d.t.dumps.of(name)
	switch {
	case dump.err != "":
		return append(out, d.broken("stacks", dump.err, red)...)
	case dump.at.IsZero():
		return append(out, field("stacks", part{faint, "asked …"}))
	}
	out = append(out, field("stacks", part{faint, "at " + dump.at.Local().Format(time.TimeOnly) + "; the newest call is the last"}))
	if len(dump.threads) == 0 {
		return append(out, line{{faint, "no code of the app runs"}})
	}
	for _, t := range dump.threads {
		out = append(out, line{{bold, "thread " + t.name}})
		for _, c := range t.frames {
			style := normal
			switch {
			case c.String() == dump.line:
				style = screen.Style{Fg: screen.Cyan, Bold: true}
			case !c.own():
				style = faint
			}
			out = append(out, line{{style, "  " + c.String()}})
		}
	}
	return out
}

func (d details) slowText(id string) []line {
	for i := range d.t.s.figures.Slow {
		if r := &d.t.s.figures.Slow[i]; r.ID == id {
			return d.slowOf(r)
		}
	}
	return gone("this request is not kept any more")
}

func (d details) slowOf(r *monitor.SlowRequest) []line {
	out := []line{append(line{{bold, "slow request  "}}, slowStatus(r)...), nil}
	out = append(out, d.broken("request", r.Method+" "+r.Target, normal)...)
	out = append(out,
		field("id", part{normal, r.ID}, part{faint, "  as in the logs"}),
		field("began", part{normal, r.Started.Local().Format(time.DateTime)}),
		field("app", part{normal, r.App}),
		field("worker", part{normal, r.Worker}))
	if r.Upstream != "" {
		out = append(out, field("upstream", part{normal, r.Upstream}))
	}
	out = append(out, nil)
	for _, p := range []struct {
		name  string
		v     float64
		style screen.Style
	}{{"receiving", r.Receiving, blue}, {"waiting", r.Waiting, yellow}, {"app", r.Running, green}, {"sending", r.Sending, magenta}, {"whole", r.Seconds, bold}} {
		out = append(out, field(p.name, part{p.style, fmt.Sprintf("%7s  ", took(p.v))}, part{p.style, screen.Bar(p.v/max(r.Seconds, 1e-9), min(max(d.w-26, 4), 60))}))
	}
	if r.Line != "" {
		out = append(out, nil)
		out = append(out, d.broken("Python", r.Line, cyan)...)
	}
	if r.Runs && r.Worker != "" {
		out = append(out, nil, line{{faint, "d shows where it is now"}})
	}
	return out
}

func (d details) upstreamText(key string) []line {
	for i := range d.t.s.status.Upstreams {
		u := &d.t.s.status.Upstreams[i]
		if upstreamKey(u) != key {
			continue
		}
		out := []line{append(line{{bold, u.Address + "  "}}, upstreamState(u)...), nil, field("route", part{normal, u.Route})}
		if u.Reason != "" {
			out = append(out, d.broken("reason", u.Reason, red)...)
		}
		most := "no limit"
		if u.MaxConns > 0 {
			most = strconv.Itoa(u.MaxConns)
		}
		out = append(out,
			field("now", part{normal, fmt.Sprintf("%d in flight (most: %s)  %s requests/s  latency %s", u.InFlight, most, rate(d.t.s.rates.speed[key]), took(u.Latency))}),
			field("weight", part{normal, strconv.Itoa(u.Weight)}),
			field("since start", part{normal, fmt.Sprintf("%s requests  %d failed  %d retried elsewhere  %d times ejected", count(u.Requests), u.Failures, u.Retries, u.Ejections)}))
		if u.Check != nil {
			out = append(out, field("last check", append(d.t.check(u), part{faint, " ago, took " + took(u.Check.Took)})...))
			if u.Check.Error != "" {
				out = append(out, d.broken("", u.Check.Error, red)...)
			}
		}
		return out
	}
	return gone("this upstream is not configured any more")
}

func (d details) cacheText(key string) []line {
	var out []line
	for i := range d.t.s.status.Cache {
		c := &d.t.s.status.Cache[i]
		if c.App != key {
			continue
		}
		out = append(out, line{{bold, c.App}}, nil)
		all := float64(max(c.Hits+c.Stale+c.Collapsed+c.Misses+c.Revalidated+c.Passed, 1))
		for _, p := range []struct {
			name  string
			n     int64
			style screen.Style
			says  string
		}{
			{"hits", c.Hits, green, "answered from the cache"}, {"stale", c.Stale, green, "answered with an older answer, as stale allows"},
			{"shared", c.Collapsed, green, "another request fetched the answer"}, {"revalidated", c.Revalidated, yellow, "the app said that the answer is still good"},
			{"misses", c.Misses, yellow, "the app has answered"}, {"passed", c.Passed, red, "the answer may not be stored"},
		} {
			out = append(out, field(p.name, part{normal, fmt.Sprintf("%7s %6s  ", count(p.n), share(float64(p.n), all))}, part{p.style, pad(screen.Bar(float64(p.n)/all, 20), 20, " ")}, part{faint, " " + p.says}))
		}
		out = append(out, nil, field("stored", part{normal, fmt.Sprintf("%s; %s in memory now, %s; %s left it for want of room", count(c.Stored), count(c.Entries), size(float64(c.Bytes)), count(c.Evicted))}))
	}
	if f := d.t.s.status.CacheFiles; f != nil {
		out = append(out, field("files", part{normal, filesText(f)}))
	}
	if r := d.t.s.status.CacheRedis; r != nil {
		out = append(out, field("redis", part{normal, redisText(r)}))
	}
	if out == nil {
		return gone("this cache is not configured any more")
	}
	return out
}

func (d details) eventText(key string) []line {
	for i := range d.t.s.figures.Marks {
		k := &d.t.s.figures.Marks[i]
		if markKey(k) != key {
			continue
		}
		out := []line{{{markStyle(k), markWord(k)}}, nil,
			field("time", part{normal, k.At.Local().Format(time.DateTime)}), field("of", part{normal, markOf(k)})}
		return append(out, d.broken("cause", markText(k), normal)...)
	}
	return gone("this event is older than an hour")
}
