package top

import (
	"time"

	"github.com/standpipe/standpipe/cmd/internal/monitor"
)

const (
	pastStep = 5 * time.Second // between two values
	pastMost = 720             // values of an app: an hour
	pastApps = 128
)

// past are the last values of each app, the oldest first; total is the key of all together.
type past struct {
	at   time.Time // of the newest
	apps map[string]*series
}

const total = ""

// series are the values of one app.
type series struct {
	requests, failed, p95, waiting, queue, busy, rss, cpu []float64
}

func (s *series) each() []*[]float64 {
	return []*[]float64{&s.requests, &s.failed, &s.p95, &s.waiting, &s.queue, &s.busy, &s.rss, &s.cpu}
}

func (p *past) of(app string) *series {
	if s := p.apps[app]; s != nil {
		return s
	}
	return &series{}
}

// remember takes what the server remembers. What was collected here before is forgotten.
func (p *past) remember(h *monitor.History) {
	p.at, p.apps = h.At, map[string]*series{}
	all := &series{}
	for _, a := range h.Apps {
		s := &series{wide(a.Requests), wide(a.Failed), wide(a.P95), wide(a.Waiting), wide(a.Queue), wide(a.Busy), wide(a.RSS), wide(a.CPU)}
		p.apps[a.App] = s
		sums, own := all.each(), s.each()
		for i, values := range own {
			sum(sums[i], *values)
		}
	}
	p.apps[total] = all
}

func wide(list []float32) []float64 {
	list = list[max(0, len(list)-pastMost):]
	out := make([]float64, len(list))
	for i, v := range list {
		out[i] = float64(v)
	}
	return out
}

// sum adds values to the newest ones of into.
func sum(into *[]float64, values []float64) {
	if n := len(values) - len(*into); n > 0 {
		*into = append(make([]float64, n), *into...)
	}
	for i, v := range values {
		(*into)[len(*into)-len(values)+i] += v
	}
}

// add takes the values of now, once in a step.
func (p *past) add(at time.Time, t *snapshot) {
	if at.Sub(p.at) < pastStep-pastStep/10 && !at.Before(p.at) {
		return
	}
	p.at = at
	if p.apps == nil {
		p.apps = map[string]*series{}
	}
	all := now{}
	seen := map[string]bool{total: true}
	for i := range t.figures.Apps {
		f := &t.figures.Apps[i]
		n := now{requests: f.Requests, failed: f.Failed, p95: f.Whole.P95, waiting: f.Waiting.P95}
		if a := t.app(f.App); a != nil {
			n.queue, n.busy = float64(a.Waiting), float64(a.Busy)
			for j := range a.Processes {
				n.rss += float64(memory(a, &a.Processes[j]))
				n.cpu += t.cpu(a.Processes[j].Pid)
			}
		}
		seen[f.App] = true
		p.push(f.App, n)
		all.requests, all.failed, all.queue, all.busy = all.requests+n.requests, all.failed+n.failed, all.queue+n.queue, all.busy+n.busy
		all.rss, all.cpu = all.rss+n.rss, all.cpu+n.cpu
		all.p95, all.waiting = max(all.p95, n.p95), max(all.waiting, n.waiting)
	}
	p.push(total, all)
	for app := range p.apps {
		if !seen[app] { // no request lately, or it is gone
			p.push(app, now{})
		}
	}
}

// now is one value of each kind.
type now struct{ requests, failed, p95, waiting, queue, busy, rss, cpu float64 }

func (p *past) push(app string, n now) {
	s := p.apps[app]
	if s == nil {
		if len(p.apps) >= pastApps {
			return
		}
		s = &series{}
		p.apps[app] = s
	}
	values := []float64{n.requests, n.failed, n.p95, n.waiting, n.queue, n.busy, n.rss, n.cpu}
	for i, list := range s.each() {
		if len(*list) >= pastMost {
			*list = append((*list)[:0], (*list)[len(*list)-pastMost+1:]...)
		}
		*list = append(*list, values[i])
	}
}
