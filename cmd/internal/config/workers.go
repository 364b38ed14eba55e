package config

import (
	"fmt"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Workers are how many workers an app has, and how many requests one of them runs at a time.
type Workers struct {
	Min     int    // the number of workers; with Max above it, the lowest
	Max     int    // the highest
	Reason  string // why so many, when it was not set: "4 cpus, limit 1GiB"; else empty
	Threads int    `key:"threads"` // requests at a time in one worker
	Gevent  int    `key:"gevent"`  // requests at a time in one worker, as greenlets; 0: no gevent, Threads counts
}

// The most that makes sense; more is a mistake.
const (
	mostWorkers   = 1024
	mostThreads   = 4096
	mostGreenlets = 10000
)

// Settings are keys of [[app]].
func (*Workers) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "workers", Kind: schema.Int, Flags: []string{"workers", "w"}, Least: 1, Reload: true, Hint: "N|A..B",
			Derived: "WEB_CONCURRENCY; else as many as there are cpus, at least 2 and at most 8, lowered to memory / 200 MiB; cgroup limits count",
			Set:     schema.Set(setWorkers), Show: schema.Show(showWorkers)},
		{Key: "threads", Kind: schema.Int, Least: 1, Default: "1", Reload: true},
		{Key: "gevent", Kind: schema.Int, Default: "0", Reload: true},
	}}
}

// setWorkers reads "4" and "2..8".
func setWorkers(w *Workers, in schema.Input) error {
	number := (&schema.Setting{Least: 1}).ParseInt
	least, most, isRange := strings.Cut(in.Last(), "..")
	a, err := number(least)
	b := a
	if err == nil && isRange {
		b, err = number(most)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%q %w; write 4, or 2..8", in.Last(), err)
	case isRange && (a < 1 || b < a):
		return fmt.Errorf("%q is not a range; write the lower number first, at least 1: 2..8", in.Last())
	}
	w.Min, w.Max = a, b
	return nil
}

func showWorkers(w *Workers) (string, bool) {
	if w.Max > w.Min {
		return fmt.Sprintf("%d..%d", w.Min, w.Max), true
	}
	return fmt.Sprint(w.Min), true
}

// Check finds numbers out of range.
func (w *Workers) Check(r *schema.Row) {
	if w.Min < 1 && r.Given("workers") {
		r.Bad("workers", "workers is %d; it is 1 or more", w.Min)
	}
	if w.Max > mostWorkers {
		r.Bad("workers", "workers is %d; more than %d is taken for a mistake", w.Max, mostWorkers)
	}
	if w.Threads < 1 || w.Threads > mostThreads {
		r.Bad("threads", "threads is %d; it is 1 to %d", w.Threads, mostThreads)
	}
	if w.Gevent < 0 || w.Gevent > mostGreenlets {
		r.Bad("gevent", "gevent is %d; it is 1 to %d, or 0 for no gevent", w.Gevent, mostGreenlets)
	}
	if w.Gevent > 0 && w.Threads > 1 {
		r.Bad("gevent", "gevent is %d and threads is %d; a worker runs its requests as greenlets or on threads, so leave one of them out", w.Gevent, w.Threads)
	}
}
