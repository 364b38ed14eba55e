// Package metrics counts for Prometheus.
//
// Requests are counted when they are answered (requests.go: the observer of the stage
// Done). Pools and workers are read at each scrape (pools.go), from counters of the pools
// that outlive their workers, so that no counter decreases. Each label has few values:
// apps, workers by their slot, and fixed words. Watch (watch.go) checks the invariants of
// the pools once a second. metrics.go declares the metrics and their handler.
//
// The package decides nothing. One goroutine, which the caller of Watch starts and ends.
package metrics
