package metrics

import (
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/standpipe/standpipe/cmd/internal/certs"
	"github.com/standpipe/standpipe/supervisor"
)

// Pool is what a scrape asks of an app's workers.
type Pool interface {
	App() string
	Stats() supervisor.Stats
	Workers() []supervisor.WorkerInfo
}

// Metrics has all counters.
type Metrics struct {
	registry *prometheus.Registry
	pools    func() []Pool
	cpu      cpuTimes

	requests             *prometheus.CounterVec
	responses            *prometheus.CounterVec
	seconds              *prometheus.HistogramVec
	durations            *prometheus.HistogramVec
	places               atomic.Pointer[func(app string) int] // nil: not known
	received             *prometheus.CounterVec
	sent                 *prometheus.CounterVec
	retries              *prometheus.CounterVec
	recalls              *prometheus.CounterVec
	unseen               prometheus.Counter
	refused              *prometheus.CounterVec
	bad                  *prometheus.CounterVec
	violated             *prometheus.GaugeVec
	handshakes, unshaken *prometheus.CounterVec
	ended                *prometheus.CounterVec
	slowed               prometheus.Counter
	versions             versions
	byApp                atomic.Pointer[map[string]*app] // replaced, never changed
	adding               sync.Mutex
	seen                 map[violation]int // looks in a row; only Watch uses it
}

// New returns Metrics; pools and certificates are asked at each scrape, from any goroutine.
func New(version string, pools func() []Pool, certs func() []certs.Info) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(), pools: pools, seen: map[violation]int{},
		requests: counter("standpipe_requests_total", "Requests that were answered, by app (empty: none took it), class of the status, and source of the response.", "app", "class", "source"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "standpipe_request_seconds",
			Help:    "Where the time of a request went: receiving its body, waiting for a worker, the app, sending the rest to the client.",
			Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"app", "phase"}),
		received: counter("standpipe_request_bytes_total", "Bytes of request bodies.", "app"),
		sent:     counter("standpipe_response_bytes_total", "Bytes of response bodies.", "app"),
		retries:  counter("standpipe_retries_total", "Requests that were run again after their worker died.", "app"),
		recalls:  counter("standpipe_recalls_total", "Requests that went to another worker before the first one had started them.", "app"),
		violated: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "standpipe_invariant_violated", Help: "1: an invariant has not held for a second; standpipe has an error."}, []string{"app", "invariant"}),
	}
	m.responses = counter("standpipe_responses_total", "Requests that were answered, by app (empty: none took it) and status; other: a status without a name.", "app", "code")
	m.durations = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "standpipe_request_duration_seconds", Help: "How long a request took as a whole, from its first byte to the last one of its response.",
		Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
	}, []string{"app"})
	m.bad = counter("standpipe_requests_refused_total", "Requests that were refused because they do not follow HTTP, or exceed a limit, by reason.", "reason")
	m.refused = counter("standpipe_refused_total", "Connections that were closed at once, by reason.", "reason")
	m.handshakes = counter("standpipe_tls_handshakes_total", "TLS handshakes that succeeded, by version and whether a session was resumed.", "version", "resumed")
	m.unshaken = counter("standpipe_tls_handshake_failures_total", "TLS handshakes that failed, by reason.", "reason")
	m.unseen = prometheus.NewCounter(prometheus.CounterOpts{Name: "standpipe_uwsgi_cut_unseen_total", Help: "Responses that were cut off over a unix socket that speaks uwsgi, where the server in front takes them for complete."})
	m.ended = counter("standpipe_http2_connections_ended_total", "Connections of HTTP/2 that ended because of what their clients sent, or did not send, by reason.", "reason")
	m.slowed = prometheus.NewCounter(prometheus.CounterOpts{Name: "standpipe_http2_connections_slowed_total", Help: "Connections of HTTP/2 that are read more slowly, because their clients send bodies in tiny frames."})
	m.byApp.Store(&map[string]*app{})
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "standpipe_build_info", Help: "1, with the version.", ConstLabels: prometheus.Labels{"version": version}})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.responses, m.seconds, m.durations, m.received, m.sent, m.retries, m.recalls, m.unseen, m.refused, m.bad, m.violated, build, poolsCollector{m}, m.handshakes, m.unshaken, m.ended, m.slowed, certificates(certs), &m.versions,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves all metrics, in the text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}
