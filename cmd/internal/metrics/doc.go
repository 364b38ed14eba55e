// Package metrics counts for Prometheus.
//
// What a request was is counted when it is answered (requests.go: the chain's
// Observe); what pools and workers do is asked at each scrape (pools.go), from
// counters of the pools that outlive their workers, so that nothing ever falls. The
// values of each label are few: apps, workers by their slot, and fixed words. Watch
// (watch.go) looks once a second whether what must hold does.
//
// It decides nothing. One goroutine, which Watch's caller starts and ends.
package metrics
