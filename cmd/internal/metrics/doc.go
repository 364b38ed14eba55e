// Package metrics counts for Prometheus.
//
//	metrics.go   Metrics: the registry and the vectors
//	requests.go  Observe: what a request was, when it has its response
//	versions.go  requests by the version of HTTP
//	tls.go       handshakes, and the days that certificates are valid
//	clients.go   who was refused by address
//	codes.go     responses by status
//	server.go    connections, budgets, places and reloads
//	pools.go     the collector that asks the pools at each scrape
//	cpu.go       cpuTimes: the processor time of workers, beyond the end of their processes
//	cache.go     the numbers of the HTTP cache
//	tracing.go   the spans of traces
//	limits.go    the numbers of each [[limit]]
//	upstreams.go the collector that asks for the routes' upstreams at each scrape
//	watch.go     Watch: whether the invariants hold
//
// Pools have counters that outlive their workers, so that no counter decreases. Each label
// has few values: apps, workers by their slot, and fixed words.
//
// The package decides nothing. It has one goroutine, Watch's: the caller starts it and ends
// it by its context.
package metrics
