package monitor

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/shim"
)

const (
	maxSlow   = 100 // requests that are kept, and told
	maxTarget = 512 // bytes of a target
	maxMethod = 32  // bytes of a method
	maxLine   = 256 // bytes of a line
	maxLines  = 256 // that are known
	keepTime  = time.Hour
	// maxRecords is how many records of slow requests are written in a second.
	maxRecords = 10
)

// slow keeps the requests that have taken longer than a threshold.
type slow struct {
	threshold atomic.Int64 // nanoseconds; 0: none is slow
	records   atomic.Bool
	log       hclog.Logger

	mu      sync.Mutex
	list    []SlowRequest     // the oldest first, at most maxSlow
	lines   map[string]string // where requests that run are, by their ids, as far as that is known
	second  time.Time         // in which written records were written
	written int
	dropped int // records since the last one that was written
}

func (l *slow) is(took time.Duration) bool {
	t := l.threshold.Load()
	return t > 0 && int64(took) >= t
}

// ended notes a request. The strings of r are copied: they may be parts of larger ones.
func (l *slow) ended(source string, w *httpx.Writer, r *http.Request, took, rest time.Duration) {
	n := &w.Info
	s := SlowRequest{ID: strings.Clone(n.ID), App: source, Worker: n.Worker, Upstream: n.Upstream, Method: brief(r.Method, maxMethod), Target: brief(r.RequestURI, maxTarget),
		Started: n.Start, Status: httpx.LoggedStatus(w), Seconds: took.Seconds(), Receiving: n.Receive.Seconds(), Waiting: n.Wait.Seconds(), Running: n.Run.Seconds(), Sending: rest.Seconds()}
	if n.Worker == "" {
		s.Sending = 0 // it is not known what took so long
	}
	l.keep(s)
	if l.records.Load() {
		l.record(w, &s, took)
	}
}

func (l *slow) keep(s SlowRequest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if line, ok := l.lines[s.ID]; ok {
		s.Line = line
		delete(l.lines, s.ID)
	}
	if len(l.list) >= maxSlow {
		l.list = append(l.list[:0], l.list[1:]...)
	}
	l.list = append(l.list, s)
}

// record writes the record of a request that has ended.
func (l *slow) record(w *httpx.Writer, s *SlowRequest, took time.Duration) {
	n := &w.Info
	dropped, ok := l.mayWrite(n.Start.Add(took))
	if !ok {
		return
	}
	var pairs []any
	if n.App != "" {
		pairs = append(pairs, "app", n.App)
	}
	if n.Worker != "" {
		pairs = append(pairs, "worker", n.Worker)
	}
	if n.Upstream != "" {
		pairs = append(pairs, "upstream", n.Upstream)
	}
	pairs = append(pairs, "id", s.ID, "method", s.Method, "target", s.Target, "client", n.RemoteAddr, "status", s.Status, "rt", took, "wait", n.Wait, "ran", n.Run)
	if dropped > 0 {
		pairs = append(pairs, "dropped", dropped)
	}
	l.log.Info("slow_request", pairs...)
}

// mayWrite reports whether a record may be written now, and how many were not since the last one.
func (l *slow) mayWrite(now time.Time) (dropped int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.second) >= time.Second || now.Before(l.second) {
		l.second, l.written = now, 0
	}
	if l.written >= maxRecords {
		l.dropped++
		return 0, false
	}
	l.written++
	dropped, l.dropped = l.dropped, 0
	return dropped, true
}

// brief is a copy of at most limit bytes of a text.
func brief(text string, limit int) string {
	if len(text) > limit {
		return text[:limit] + "..."
	}
	return strings.Clone(text)
}

// all are those that run first, then the newest; running are by pools.
func (l *slow) all(app string, running []SlowRequest, now time.Time) []SlowRequest {
	list := running
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.list) - 1; i >= 0 && len(list) < maxSlow; i-- {
		s := &l.list[i]
		if now.Sub(s.Started) < keepTime+time.Duration(s.Seconds*float64(time.Second)) && (app == "" || s.App == app) {
			list = append(list, *s)
		}
	}
	return list[:min(len(list), maxSlow)]
}

// runs is a request that a worker has or (worker empty) that waits for one, if it is slow already.
func (l *slow) runs(app, worker string, f *shim.InFlight, now time.Time) (SlowRequest, bool) {
	of := &f.Label
	took := now.Sub(of.Start)
	if of.Start.IsZero() || f.Answered || !l.is(took) {
		return SlowRequest{}, false
	}
	s := SlowRequest{ID: of.ID, App: app, Worker: worker, Method: brief(of.Method, maxMethod), Target: brief(of.Target, maxTarget), Started: of.Start, Runs: true, Seconds: took.Seconds()}
	if f.Sent.IsZero() {
		s.Waiting = s.Seconds
	} else {
		s.Waiting, s.Running = max(f.Sent.Sub(of.Start), 0).Seconds(), now.Sub(f.Sent).Seconds()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Line = l.lines[of.ID]
	return s, true
}

// at notes where a request is that runs.
func (l *slow) at(id, line string) {
	if id == "" || line == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines == nil || len(l.lines) >= maxLines { // those of requests that were not slow in the end, for the most part
		l.lines = map[string]string{}
	}
	l.lines[id] = brief(line, maxLine)
}

// snapshot are those that have ended, the oldest first.
func (l *slow) snapshot() []SlowRequest {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.list)
}
