package monitor

import (
	"errors"
	"maps"
	"net/http"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// maxApps is how many apps are counted each by itself; all others are counted together, as "others".
const maxApps = 64

// Observe counts a request that is answered. It is an observer of the stage Done, and runs for every request.
func (m *Monitor) Observe(w *httpx.Writer, r *http.Request, took time.Duration) {
	n, status := &w.Info, httpx.LoggedStatus(w)
	s := m.source(n)
	s.requests.Add(1)
	switch {
	case status >= 500 || n.Aborted && !errors.Is(n.Err, httpx.ErrClientGone):
		s.failed.Add(1)
	case status >= 400 && status != httpx.StatusClientGone:
		s.refused.Add(1)
	}
	if bytes := w.Bytes(); bytes > 0 {
		s.sent.Add(bytes)
	}
	if n.Source == "cache" {
		s.cached.Add(1)
	}
	if status == http.StatusSwitchingProtocols {
		return // a tunnel: its time says nothing
	}
	s.took(whole, took)
	if n.Receive > 0 {
		s.took(receiving, n.Receive)
	}
	rest := max(took-n.Receive-n.Wait-n.Run, 0)
	switch {
	case n.Worker != "":
		s.took(waiting, n.Wait)
		s.took(running, n.Run)
		s.took(sending, rest)
	case n.Wait > 0: // it left the queue without a worker
		s.took(waiting, n.Wait)
	}
	if m.slow.is(took) {
		m.slow.ended(s.name, w, r, took, rest)
	}
}

// source is where a request is counted: at the app that has answered it, or in whose place the server has.
func (m *Monitor) source(n *httpx.RequestInfo) *source {
	switch {
	case n.Source == "static":
		return m.static
	case n.App != "":
		if s := (*m.byApp.Load())[n.App]; s != nil {
			return s
		}
		return m.add(n.App)
	case n.Source == "upstream", n.Source == "cache", n.Upstream != "":
		return m.routes
	}
	return m.server
}

// add makes the numbers of an app.
func (m *Monitor) add(app string) *source {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := *m.byApp.Load()
	if s := old[app]; s != nil {
		return s
	}
	if len(old) >= maxApps {
		return m.others
	}
	next := maps.Clone(old)
	s := &source{name: app}
	next[app] = s
	m.byApp.Store(&next)
	return s
}
