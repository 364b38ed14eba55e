package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/standpipe/standpipe/bridge/access"
)

// Clients are the counts of access control.
type Clients struct {
	Refused []access.Count
	Denied  int // networks, at run time
}

// Clients has of asked at each scrape. It is called once.
func (m *Metrics) Clients(of func() Clients) { m.registry.MustRegister(clientsCollector(of)) }

// clientsCollector is asked at each scrape.
type clientsCollector func() Clients

var (
	descAccessRefused = desc("standpipe_access_refused_total", "Requests and connections that were refused by [[access]], or (no table) by standpipe deny.", "table", "rule")
	descDenied        = desc("standpipe_denied_networks", "Networks that are denied at run time (standpipe deny).")
)

// Describe is for the registry.
func (clientsCollector) Describe(c chan<- *prometheus.Desc) {
	c <- descAccessRefused
	c <- descDenied
}

// Collect is for the registry.
func (of clientsCollector) Collect(c chan<- prometheus.Metric) {
	now := of()
	for _, n := range now.Refused {
		c <- prometheus.MustNewConstMetric(descAccessRefused, prometheus.CounterValue, float64(n.Refused), n.Table, n.Rule)
	}
	c <- prometheus.MustNewConstMetric(descDenied, prometheus.GaugeValue, float64(now.Denied))
}
