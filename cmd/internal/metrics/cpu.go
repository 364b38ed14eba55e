package metrics

import (
	"sync"
	"time"

	"github.com/standpipe/standpipe/supervisor"
)

// cpuTimes are the processor times of the workers of all apps. They do not fall when a process ends: the next one
// goes on where it was. What a process uses between the last look and its end is not counted.
type cpuTimes struct {
	mu   sync.Mutex
	apps map[string]map[string]*cpuTime // by app and worker
}

type cpuTime struct {
	total time.Duration
	seen  map[int]time.Duration // by process, at the last look
}

// look adds what the processes of the workers of an app have used since the last look, and returns the times of all workers that it ever had, in
// seconds. used is the time of a process so far; 0: it is not known.
func (t *cpuTimes) look(app string, list []supervisor.WorkerInfo, used func(pid int) time.Duration) map[string]float64 {
	now := map[string]map[int]time.Duration{}
	for _, w := range list {
		if n := used(w.Pid); n > 0 {
			if now[w.Worker] == nil {
				now[w.Worker] = map[int]time.Duration{}
			}
			now[w.Worker][w.Pid] = n
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.apps == nil {
		t.apps = map[string]map[string]*cpuTime{}
	}
	workers := t.apps[app]
	if workers == nil {
		workers = map[string]*cpuTime{}
		t.apps[app] = workers
	}
	for name := range now {
		if workers[name] == nil {
			workers[name] = &cpuTime{}
		}
	}
	out := make(map[string]float64, len(workers))
	for name, c := range workers {
		for pid, n := range now[name] {
			c.total += max(n-c.seen[pid], 0)
		}
		c.seen = now[name]
		out[name] = c.total.Seconds()
	}
	return out
}
