package metrics

import (
	"maps"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// The words of the labels class and source.
var (
	classes = [...]string{"other", "1xx", "2xx", "3xx", "4xx", "5xx"}
	sources = [...]string{"other", "app", "server", "static", "upstream", "cache"}
)

// app has the counters of one app, so that no request looks them up by their labels.
type app struct {
	name                                 string
	requests                             [len(classes)][len(sources)]atomic.Pointer[counter]
	codes                                byCode
	whole                                prometheus.Observer
	receiving, waiting, running, sending prometheus.Observer
	received, sent, retries, recalls     prometheus.Counter
}

type counter struct{ prometheus.Counter }

// Observe counts a request that is answered.
func (m *Metrics) Observe(w *httpx.Writer, r *http.Request, took time.Duration) {
	n := &w.Info
	m.versions.count(r, n.Relayed)
	a := m.app(n.App)
	status := httpx.LoggedStatus(w)
	a.count(m, status, n.Source)
	a.codes.count(m, a.name, status)
	a.whole.Observe(took.Seconds())
	a.sent.Add(float64(w.Bytes()))
	if n.Aborted && n.Unseen {
		m.unseen.Inc()
	}
	if n.App == "" {
		return
	}
	if n.Receive > 0 {
		a.receiving.Observe(n.Receive.Seconds())
		a.received.Add(float64(n.Received))
	}
	a.waiting.Observe(n.Wait.Seconds())
	if n.Worker != "" {
		a.running.Observe(n.Run.Seconds())
		a.sending.Observe(max(took-n.Receive-n.Wait-n.Run, 0).Seconds())
	}
	if n.Retries > 0 {
		a.retries.Add(float64(n.Retries))
	}
	if n.Recalls > 0 {
		a.recalls.Add(float64(n.Recalls))
	}
}

// RequestRefused counts a request that is refused before a handler gets it.
func (m *Metrics) RequestRefused(reason string) { m.bad.WithLabelValues(reason).Inc() }

// Refused counts a connection that is refused.
func (m *Metrics) Refused(reason string) { m.refused.WithLabelValues(reason).Inc() }

// HTTP2Ended counts a connection of HTTP/2 that ends because of what its client does.
func (m *Metrics) HTTP2Ended(reason string) { m.ended.WithLabelValues(reason).Inc() }

// HTTP2Slowed counts one that is read more slowly.
func (m *Metrics) HTTP2Slowed() { m.slowed.Inc() }

func (a *app) count(m *Metrics, status int, source string) {
	class, from := 0, 0
	if status >= 100 && status < 600 {
		class = status / 100
	}
	for i, s := range sources {
		if s == source {
			from = i
		}
	}
	at := &a.requests[class][from]
	c := at.Load()
	if c == nil { // the first of its kind; two requests at the same time find the same one
		c = &counter{m.requests.WithLabelValues(a.name, classes[class], sources[from])}
		at.Store(c)
	}
	c.Inc()
}

// app returns the counters of an app. There are as many as apps were ever configured.
func (m *Metrics) app(name string) *app {
	if a := (*m.byApp.Load())[name]; a != nil {
		return a
	}
	m.adding.Lock()
	defer m.adding.Unlock()
	old := *m.byApp.Load()
	if a := old[name]; a != nil {
		return a
	}
	a := &app{name: name, sent: m.sent.WithLabelValues(name), whole: m.durations.WithLabelValues(name)}
	if name != "" {
		phase := func(p string) prometheus.Observer { return m.seconds.WithLabelValues(name, p) }
		a.receiving, a.waiting, a.running, a.sending = phase("receiving"), phase("waiting"), phase("app"), phase("sending")
		a.received, a.retries, a.recalls = m.received.WithLabelValues(name), m.retries.WithLabelValues(name), m.recalls.WithLabelValues(name)
	}
	next := maps.Clone(old)
	next[name] = a
	m.byApp.Store(&next)
	return a
}
