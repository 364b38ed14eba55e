package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/standpipe/standpipe/bridge/cache"
	"github.com/standpipe/standpipe/bridge/cache/disk"
)

var (
	descCached         = desc("standpipe_cache_requests_total", "Requests that the HTTP cache was asked for, by what it had: hit, miss, stale, revalidated, collapsed (another request fetched it) or pass (it is not stored).", "app", "result")
	descCacheStored    = desc("standpipe_cache_stored_total", "Answers that the HTTP cache stored.", "app")
	descCacheEvictions = desc("standpipe_cache_evictions_total", "Answers that left the memory of the HTTP cache for want of room.", "app")
	descCacheEntries   = desc("standpipe_cache_entries", "Answers in the memory of the HTTP cache.", "app")
	descCacheRedis     = desc("standpipe_cache_redis_up", "1 while the Redis in which servers share the HTTP cache answers, 0 while it is away.")
	descCacheLoads     = desc("standpipe_cache_redis_loads_total", "Questions to that Redis, by whether they found an answer: found or none.", "result")
	descCacheSaved     = desc("standpipe_cache_redis_stored_total", "Answers that were stored in that Redis.")
	descCacheDamaged   = desc("standpipe_cache_redis_damaged_total", "Answers in that Redis that were damaged and are removed.")
	descCacheBytes     = desc("standpipe_cache_bytes", "Bytes that answers take in the memory of the HTTP cache.", "app")
	descCacheFiles     = desc("standpipe_cache_files", "Files of answers in cache_dir.")
	descCacheFileBytes = desc("standpipe_cache_files_bytes", "Bytes that files take in cache_dir.")
	descCacheWritable  = desc("standpipe_cache_files_writable", "1: answers can be stored in cache_dir; 0: another process has it, or it cannot be written.")
	descCacheFilesLost = desc("standpipe_cache_files_lost_total", "Files that went, or were not written, by cause: evicted (for want of room), damaged, dropped (for want of room, or because of errors).", "cause")
)

// cached is asked at each scrape.
type cached struct {
	list  func() []cache.Stats
	files func() *disk.Stats // nil: there are none
}

// Cache adds the numbers of the HTTP cache, which are asked for at each scrape. It is called once.
func (m *Metrics) Cache(list func() []cache.Stats, files func() *disk.Stats) {
	m.registry.MustRegister(cached{list, files})
}

// Describe is for the registry.
func (cached) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descCached, descCacheStored, descCacheEvictions, descCacheEntries, descCacheBytes, descCacheFiles, descCacheFileBytes, descCacheWritable, descCacheFilesLost} {
		c <- d
	}
}

// Collect is for the registry.
func (m cached) Collect(c chan<- prometheus.Metric) {
	if f := m.files(); f != nil {
		send := func(d *prometheus.Desc, kind prometheus.ValueType, v int64, labels ...string) {
			c <- prometheus.MustNewConstMetric(d, kind, float64(v), labels...)
		}
		send(descCacheFiles, prometheus.GaugeValue, f.Files)
		send(descCacheFileBytes, prometheus.GaugeValue, f.Bytes)
		writable := int64(0)
		if f.State == "ready" || f.State == "reading" {
			writable = 1
		}
		send(descCacheWritable, prometheus.GaugeValue, writable)
		send(descCacheFilesLost, prometheus.CounterValue, f.Evicted, "evicted")
		send(descCacheFilesLost, prometheus.CounterValue, f.Damaged, "damaged")
		send(descCacheFilesLost, prometheus.CounterValue, f.Dropped, "dropped")
	}
	for _, s := range m.list() {
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

// sharedCache is asked at each scrape; ok false: there is none.
type sharedCache func() (c SharedCache, ok bool)

// SharedCache are the numbers of the Redis in which servers share the HTTP cache.
type SharedCache struct {
	Up                           bool
	Found, None, Stored, Damaged int64
}

// SharedCache adds them. It is called once.
func (m *Metrics) SharedCache(ask func() (SharedCache, bool)) {
	m.registry.MustRegister(sharedCache(ask))
}

// Describe is for the registry.
func (sharedCache) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descCacheRedis, descCacheLoads, descCacheSaved, descCacheDamaged} {
		c <- d
	}
}

// Collect is for the registry.
func (ask sharedCache) Collect(c chan<- prometheus.Metric) {
	s, ok := ask()
	if !ok {
		return
	}
	up := 0.0
	if s.Up {
		up = 1
	}
	c <- prometheus.MustNewConstMetric(descCacheRedis, prometheus.GaugeValue, up)
	c <- prometheus.MustNewConstMetric(descCacheLoads, prometheus.CounterValue, float64(s.Found), "found")
	c <- prometheus.MustNewConstMetric(descCacheLoads, prometheus.CounterValue, float64(s.None), "none")
	c <- prometheus.MustNewConstMetric(descCacheSaved, prometheus.CounterValue, float64(s.Stored))
	c <- prometheus.MustNewConstMetric(descCacheDamaged, prometheus.CounterValue, float64(s.Damaged))
}
