package top

import (
	"fmt"

	"github.com/standpipe/standpipe/cmd/internal/admin"
)

func (t tables) cacheTable() table {
	out := table{empty: "the HTTP cache is off: cache = true of an app or a route begins it", columns: []column{
		{name: "OF", least: 6, most: 24},
		{name: "REQ/S", least: 6, right: true},
		{name: "SAVED", least: 6, right: true},
		{name: "HITS", least: 6, right: true},
		{name: "MISSES", least: 6, right: true},
		{name: "STALE", least: 5, right: true, rank: 2},
		{name: "REVALID", least: 7, right: true, rank: 4},
		{name: "SHARED", least: 6, right: true, rank: 3},
		{name: "PASSED", least: 6, right: true, rank: 1},
		{name: "ANSWERS", least: 7, right: true},
		{name: "MEMORY", least: 6, right: true},
		{name: "EVICTED", least: 7, right: true, rank: 5},
	}}
	for i := range t.s.status.Cache {
		c := &t.s.status.Cache[i]
		speed := t.s.rates.speed["cache "+c.App]
		saved := float64(c.Hits + c.Stale + c.Collapsed)
		all := saved + float64(c.Misses+c.Revalidated+c.Passed)
		n := func(v int64) value { return number(float64(v), count(v)) }
		out.rows = append(out.rows, row{key: c.App, values: []value{
			styled(bold, c.App), number(speed, rate(speed)), number(saved/max(all, 1), share(saved, all)).with(green), n(c.Hits), n(c.Misses), n(c.Stale), n(c.Revalidated), n(c.Collapsed), n(c.Passed), n(c.Entries),
			number(float64(c.Bytes), size(float64(c.Bytes))), n(c.Evicted),
		}})
	}
	if f := t.s.status.CacheFiles; f != nil {
		out.rows = append(out.rows, storeRow("files", filesText(f), len(out.columns), f.State == "away" || f.State == "paused"))
	}
	if r := t.s.status.CacheRedis; r != nil {
		out.rows = append(out.rows, storeRow("redis", redisText(r), len(out.columns), r.Away))
	}
	return out
}

// storeRow is that of a store whose numbers are its own: they are below its name.
func storeRow(name, numbers string, columns int, bad bool) row {
	r := row{key: " " + name, values: make([]value, columns)}
	for i := range r.values {
		r.values[i] = value{num: -1}
	}
	r.values[0] = styled(bold, name)
	style := normal
	if bad {
		style = red
	}
	r.under = line{{faint, "└ "}, {style, numbers}}
	return r
}

func filesText(f *admin.CacheFiles) string {
	return fmt.Sprintf("%s  %d files  %s of %s  evicted %d  damaged %d  not written %d", f.State, f.Files, size(float64(f.Bytes)), size(float64(f.Limit)), f.Evicted, f.Damaged, f.Dropped)
}

func redisText(r *admin.CacheRedis) string {
	state := "answers"
	if r.Away {
		state = "away"
	}
	return fmt.Sprintf("%s %s  found %d of %d  stored %d  too large %d  damaged %d", r.Address, state, r.Found, r.Loads, r.Stored, r.Large, r.Damaged)
}
