package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/standpipe/standpipe/supervisor"
)

// Budget is how much of something that all clients share is used.
type Budget struct {
	Name        string // the setting of its limit, or a word
	Used, Limit int64  // bytes; Limit 0: there is none
}

// Server is what a scrape asks of the server itself.
type Server struct {
	Connections func() int
	Limit       func() int // of connections; 0: none
	Budgets     func() []Budget
	// Places is how many requests a worker of an app runs at a time: threads, or greenlets.
	Places func(app string) int
}

// AddServer adds what is known of the server itself, which is asked for at each scrape. It is called once.
func AddServer(m *Metrics, s Server) {
	m.places.Store(&s.Places)
	m.registry.MustRegister(serverCollector{s})
}

type serverCollector struct{ s Server }

var (
	descConnections = desc("standpipe_connections", "Connections of clients that are open.")
	descConnLimit   = desc("standpipe_connections_limit", "How many may be open (max_connections); 0: no limit.")
	descBudgetUsed  = desc("standpipe_budget_used_bytes", "Bytes that clients use of what they share: spool_total (files of request bodies), answer_total (files of responses), body_memory (request bodies in memory).", "budget")
	descBudgetLimit = desc("standpipe_budget_limit_bytes", "How many bytes that may be; 0: no limit.", "budget")
)

// Describe is for the registry.
func (serverCollector) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descConnections, descConnLimit, descBudgetUsed, descBudgetLimit} {
		c <- d
	}
}

// Collect is for the registry.
func (o serverCollector) Collect(c chan<- prometheus.Metric) {
	c <- prometheus.MustNewConstMetric(descConnections, prometheus.GaugeValue, float64(o.s.Connections()))
	c <- prometheus.MustNewConstMetric(descConnLimit, prometheus.GaugeValue, float64(o.s.Limit()))
	for _, b := range o.s.Budgets() {
		c <- prometheus.MustNewConstMetric(descBudgetUsed, prometheus.GaugeValue, float64(b.Used), b.Name)
		c <- prometheus.MustNewConstMetric(descBudgetLimit, prometheus.GaugeValue, float64(b.Limit), b.Name)
	}
}

// Reloads counts the reloads of apps.
type Reloads struct {
	count *prometheus.CounterVec
	at    *prometheus.GaugeVec
}

// NewReloads adds them.
func NewReloads(m *Metrics) *Reloads {
	r := &Reloads{
		count: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "standpipe_reloads_total", Help: "Reloads of an app, by result: done, failed."}, []string{"app", "result"}),
		at:    prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "standpipe_reload_timestamp_seconds", Help: "When the last reload with that result ended."}, []string{"app", "result"}),
	}
	m.registry.MustRegister(r.count, r.at)
	return r
}

// Event is a subscriber of supervisor events.
func (r *Reloads) Event(e supervisor.Event) {
	app, result := "", ""
	switch e := e.(type) {
	case supervisor.Reloaded:
		app, result = e.App, "done"
	case supervisor.ReloadFailed:
		app, result = e.App, "failed"
	default:
		return
	}
	r.count.WithLabelValues(app, result).Inc()
	r.at.WithLabelValues(app, result).Set(float64(time.Now().UnixMilli()) / 1000)
}
