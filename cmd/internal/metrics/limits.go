package metrics

import "github.com/prometheus/client_golang/prometheus"

// Limit are the numbers of a [[limit]].
type Limit struct {
	Name                               string
	Allowed, Delayed, Refused, Evicted int64
	Keys, Running, Waiting             int
	Shared, Away                       bool // counted in a server, which is away
}

var (
	descLimited        = desc("standpipe_limit_requests_total", "Requests that a [[limit]] was for: allowed, delayed (they waited for the rate) or refused.", "limit", "result")
	descLimitKeys      = desc("standpipe_limit_keys", "Keys (clients, cookies, ...) that count at present.", "limit")
	descLimitEvictions = desc("standpipe_limit_evictions_total", "Keys that were forgotten although they still counted, because there were more than the setting keys.", "limit")
	descLimitRunning   = desc("standpipe_limit_running", "Requests that run, of a limit with concurrency.", "limit")
	descLimitWaiting   = desc("standpipe_limit_waiting", "Requests that wait for the rate.", "limit")
	descLimitStore     = desc("standpipe_limit_store_up", "1: the Redis of a limit with store = \"redis\" answers; 0: it is away.", "limit")
)

// limits are asked at each scrape.
type limits func() []Limit

// Limits adds the numbers of [[limit]], which are asked for at each scrape. It is called once.
func (m *Metrics) Limits(list func() []Limit) { m.registry.MustRegister(limits(list)) }

// Scanned adds the number of requests that were refused as those of scanners. It is called once.
func (m *Metrics) Scanned(count func() int64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "standpipe_scanner_requests_total", Help: "Requests for paths that only scanners ask for, which were refused."},
		func() float64 { return float64(count()) }))
}

// Tunnels adds the number of upgraded connections that are open. It is called once.
func (m *Metrics) Tunnels(count func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "standpipe_tunnels", Help: "Upgraded connections (WebSocket through a route) that are open."},
		func() float64 { return float64(count()) }))
}

// Describe is for the registry.
func (limits) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descLimited, descLimitKeys, descLimitEvictions, descLimitRunning, descLimitWaiting, descLimitStore} {
		c <- d
	}
}

// Collect is for the registry.
func (list limits) Collect(c chan<- prometheus.Metric) {
	for _, l := range list() {
		send := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
			c <- prometheus.MustNewConstMetric(d, kind, v, append([]string{l.Name}, labels...)...)
		}
		send(descLimited, prometheus.CounterValue, float64(l.Allowed), "allowed")
		send(descLimited, prometheus.CounterValue, float64(l.Delayed), "delayed")
		send(descLimited, prometheus.CounterValue, float64(l.Refused), "refused")
		send(descLimitKeys, prometheus.GaugeValue, float64(l.Keys))
		send(descLimitEvictions, prometheus.CounterValue, float64(l.Evicted))
		send(descLimitRunning, prometheus.GaugeValue, float64(l.Running))
		send(descLimitWaiting, prometheus.GaugeValue, float64(l.Waiting))
		if l.Shared {
			up := 1.0
			if l.Away {
				up = 0
			}
			send(descLimitStore, prometheus.GaugeValue, up)
		}
	}
}
