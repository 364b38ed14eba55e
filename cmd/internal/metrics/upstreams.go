package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/standpipe/standpipe/bridge/upstream"
)

var (
	descUpstreamState    = desc("standpipe_upstream_state", "1 for the state that the upstream is in: available, refusing, ejected, unhealthy, down.", "route", "upstream", "state")
	descUpstreamInFlight = desc("standpipe_upstream_in_flight", "Requests that the upstream has.", "route", "upstream")
	descUpstreamRequests = desc("standpipe_upstream_requests_total", "Requests that were sent to the upstream, or were to be.", "route", "upstream")
	descUpstreamFailures = desc("standpipe_upstream_failures_total", "Those that failed, by cause: connect, error, timeout, status.", "route", "upstream", "cause")
	descUpstreamRetries  = desc("standpipe_upstream_retries_total", "Those that went to another upstream afterwards, by the same causes.", "route", "upstream", "cause")
	descUpstreamEjected  = desc("standpipe_upstream_ejections_total", "How often the upstream was taken out of service, by failures or by its checks.", "route", "upstream")
	descUpstreamLatency  = desc("standpipe_upstream_latency_seconds", "The mean time until a response begins; newer responses count more.", "route", "upstream")
	descUpstreamChecked  = desc("standpipe_upstream_check_timestamp_seconds", "When the last active check ended.", "route", "upstream")
	descUpstreamPassed   = desc("standpipe_upstream_check_passed", "1: that check has passed.", "route", "upstream")
)

// upstreams are asked for at each scrape.
type upstreams func() []upstream.Info

// Upstreams adds what is known of the routes' upstreams, which is asked for at each scrape. It is called once.
func (m *Metrics) Upstreams(list func() []upstream.Info) { m.registry.MustRegister(upstreams(list)) }

// Describe is for the registry.
func (upstreams) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descUpstreamState, descUpstreamInFlight, descUpstreamRequests, descUpstreamFailures, descUpstreamRetries, descUpstreamEjected, descUpstreamLatency,
		descUpstreamChecked, descUpstreamPassed} {
		c <- d
	}
}

// Collect is for the registry.
func (list upstreams) Collect(c chan<- prometheus.Metric) {
	for _, in := range list() {
		put := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
			c <- prometheus.MustNewConstMetric(d, kind, v, append([]string{in.Route, in.Upstream}, labels...)...)
		}
		put(descUpstreamState, prometheus.GaugeValue, 1, in.State)
		put(descUpstreamInFlight, prometheus.GaugeValue, float64(in.InFlight))
		put(descUpstreamRequests, prometheus.CounterValue, float64(in.Requests))
		for _, cause := range upstream.Causes() {
			put(descUpstreamFailures, prometheus.CounterValue, float64(in.Failures[cause]), cause.String())
			put(descUpstreamRetries, prometheus.CounterValue, float64(in.Retries[cause]), cause.String())
		}
		put(descUpstreamEjected, prometheus.CounterValue, float64(in.Ejections))
		put(descUpstreamLatency, prometheus.GaugeValue, in.Latency.Seconds())
		if in.Check != nil {
			passed := 0.0
			if in.Check.Err == "" {
				passed = 1
			}
			put(descUpstreamChecked, prometheus.GaugeValue, float64(in.Check.At.UnixNano())/float64(time.Second))
			put(descUpstreamPassed, prometheus.GaugeValue, passed)
		}
	}
}
