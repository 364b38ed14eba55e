package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/standpipe/standpipe/cmd/internal/otlp"
)

var (
	descSpans     = desc("standpipe_trace_spans_total", "Spans of traces: sent to the collector, rejected by it, dropped because there was no room.", "result")
	descSpansWait = desc("standpipe_trace_spans_waiting", "Spans that wait to be sent.")
	descCollector = desc("standpipe_trace_collector_up", "1: the collector of traces answers; 0: it is away.")
)

// traces are asked at each scrape.
type traces func() (otlp.Stats, bool)

// Traces adds the numbers of the traces, which are asked for at each scrape; false: there are none. It is called once.
func (m *Metrics) Traces(stats func() (otlp.Stats, bool)) { m.registry.MustRegister(traces(stats)) }

// Describe is for the registry.
func (traces) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descSpans, descSpansWait, descCollector} {
		c <- d
	}
}

// Collect is for the registry.
func (t traces) Collect(c chan<- prometheus.Metric) {
	st, on := t()
	if !on {
		return
	}
	up := 1.0
	if st.Away {
		up = 0
	}
	c <- prometheus.MustNewConstMetric(descCollector, prometheus.GaugeValue, up)
	c <- prometheus.MustNewConstMetric(descSpansWait, prometheus.GaugeValue, float64(st.Waiting))
	for _, r := range []struct {
		result string
		n      int64
	}{{"sent", st.Sent}, {"rejected", st.Rejected}, {"dropped", st.Dropped}} {
		c <- prometheus.MustNewConstMetric(descSpans, prometheus.CounterValue, float64(r.n), r.result)
	}
}
