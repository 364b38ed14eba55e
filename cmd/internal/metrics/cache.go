package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/standpipe/standpipe/bridge/cache"
)

var (
	descCached         = desc("standpipe_cache_requests_total", "Requests that the HTTP cache was asked for, by what it had: hit, miss, stale, revalidated, collapsed (another request fetched it) or pass (it is not stored).", "app", "result")
	descCacheStored    = desc("standpipe_cache_stored_total", "Answers that the HTTP cache stored.", "app")
	descCacheEvictions = desc("standpipe_cache_evictions_total", "Answers that left the memory of the HTTP cache for want of room.", "app")
	descCacheEntries   = desc("standpipe_cache_entries", "Answers in the memory of the HTTP cache.", "app")
	descCacheBytes     = desc("standpipe_cache_bytes", "Bytes that answers take in the memory of the HTTP cache.", "app")
)

// cached is asked at each scrape.
type cached func() []cache.Stats

// Cache adds the numbers of the HTTP cache, which are asked for at each scrape. It is called once.
func (m *Metrics) Cache(list func() []cache.Stats) { m.registry.MustRegister(cached(list)) }

// Describe is for the registry.
func (cached) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descCached, descCacheStored, descCacheEvictions, descCacheEntries, descCacheBytes} {
		c <- d
	}
}

// Collect is for the registry.
func (list cached) Collect(c chan<- prometheus.Metric) {
	for _, s := range list() {
		send := func(d *prometheus.Desc, kind prometheus.ValueType, v int64, labels ...string) {
			c <- prometheus.MustNewConstMetric(d, kind, float64(v), append([]string{s.App}, labels...)...)
		}
		send(descCached, prometheus.CounterValue, s.Hits, "hit")
		send(descCached, prometheus.CounterValue, s.Misses, "miss")
		send(descCached, prometheus.CounterValue, s.Stale, "stale")
		send(descCached, prometheus.CounterValue, s.Revalidated, "revalidated")
		send(descCached, prometheus.CounterValue, s.Collapsed, "collapsed")
		send(descCached, prometheus.CounterValue, s.Passed, "pass")
		send(descCacheStored, prometheus.CounterValue, s.Stored)
		send(descCacheEvictions, prometheus.CounterValue, s.Evicted)
		send(descCacheEntries, prometheus.GaugeValue, s.Entries)
		send(descCacheBytes, prometheus.GaugeValue, s.Bytes)
	}
}
