package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/supervisor"
	"github.com/standpipe/standpipe/supervisor/process"
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	descWorkers    = desc("standpipe_workers", "Workers by state; the sum is standpipe_workers_configured.", "app", "state")
	descConfigured = desc("standpipe_workers_configured", "How many workers the app has; scaling changes it.", "app")
	descSurplus    = desc("standpipe_workers_surplus", "Further workers: they boot to replace one, or finish their requests.", "app")
	descReady      = desc("standpipe_workers_ready", "Workers that take requests.", "app")
	descGeneration = desc("standpipe_generation", "The generation that serves; each reload makes a new one.", "app")
	descRelease    = desc("standpipe_release_info", "1 for the folder that the serving generation was made from, links resolved.", "app", "release")
	descGone       = desc("standpipe_release_gone", "1: that folder does not exist any more, and a worker that exits cannot be replaced.", "app")
	descPaused     = desc("standpipe_paused", "1: standpipe pause keeps requests in the queue.", "app")
	descQueue      = desc("standpipe_queue_length", "Requests that wait for a worker.", "app")
	descQueueLimit = desc("standpipe_queue_limit", "How many may wait; 0: no limit.", "app")
	descOldest     = desc("standpipe_queue_oldest_seconds", "How long the first of them has waited.", "app")
	descRefused    = desc("standpipe_queue_refused_total", "Requests that found the queue full, or waited too long in it.", "app", "reason")
	descServed     = desc("standpipe_served_total", "Requests that workers have finished.", "app")
	descStarts     = desc("standpipe_worker_starts_total", "Processes that were started.", "app")
	descExits      = desc("standpipe_worker_exits_total", "Processes that have ended: how, and why they were told to (none: they were not).", "app", "cause", "reason")
	descRestarts   = desc("standpipe_worker_restarts_total", "Ends after which another worker took the place: all but those of a stop or of scaling down.", "app")
	descFailures   = desc("standpipe_boot_failures_total", "Workers that did not come up.", "app")
	descStuck      = desc("standpipe_prefetch_stuck_total", "Requests that had been sent to a busy worker which then could not give them back (C code that holds the GIL).", "app")
	descPlaces     = desc("standpipe_places", "Requests that the app can run at a time: workers, times their threads or greenlets.", "app")
	descPlacesBusy = desc("standpipe_places_busy", "Requests that the app runs now.", "app")
	descCPU        = desc("standpipe_worker_cpu_seconds_total", "Processor time of the worker's process, of user and system; those of the processes before it are counted as well.", "app", "worker")
	descRSS        = desc("standpipe_worker_resident_bytes", "Resident size, when it was last looked at; while a worker is replaced, of both.", "app", "worker")
)

// poolsCollector asks the pools at each scrape.
type poolsCollector struct{ m *Metrics }

// Describe is for the registry.
func (poolsCollector) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descWorkers, descConfigured, descSurplus, descReady, descGeneration, descRelease, descGone, descPaused, descQueue, descQueueLimit,
		descOldest, descRefused, descServed, descStarts, descExits, descRestarts, descFailures, descStuck, descRSS, descPlaces, descPlacesBusy, descCPU} {
		c <- d
	}
}

// Collect is for the registry.
func (p poolsCollector) Collect(c chan<- prometheus.Metric) {
	for _, pool := range p.m.pools() {
		s := pool.Stats()
		gauge := func(d *prometheus.Desc, v float64, labels ...string) {
			c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{s.App}, labels...)...)
		}
		count := func(d *prometheus.Desc, v int64, labels ...string) {
			c <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), append([]string{s.App}, labels...)...)
		}
		gauge(descWorkers, float64(s.Idle), "idle")
		gauge(descWorkers, float64(s.Busy), "busy")
		gauge(descWorkers, float64(s.Booting), "booting")
		gauge(descWorkers, float64(s.Draining), "draining")
		gauge(descWorkers, float64(s.BackingOff), "backing_off")
		gauge(descConfigured, float64(s.Workers))
		gauge(descSurplus, float64(s.Surplus))
		gauge(descReady, float64(s.Ready))
		gauge(descGeneration, float64(s.Generation))
		if s.Release != "" {
			gauge(descRelease, 1, s.Release)
		}
		gone := 0.0
		if process.ReleaseGone(s.Release) {
			gone = 1
		}
		gauge(descGone, gone)
		paused := 0.0
		if s.Paused {
			paused = 1
		}
		gauge(descPaused, paused)
		gauge(descQueue, float64(s.Waiting))
		gauge(descQueueLimit, float64(s.Limit))
		gauge(descOldest, s.Oldest.Seconds())
		count(descRefused, s.Counts.QueueFull, "full")
		count(descRefused, s.Counts.QueueTimeouts, "timeout")
		count(descServed, s.Counts.Served)
		count(descStarts, s.Counts.Started)
		count(descFailures, s.Counts.BootFailures)
		count(descStuck, s.Counts.PrefetchStuck)
		for kind, n := range s.Counts.Exits {
			count(descExits, n, kind.Cause, kind.Reason)
		}
		count(descRestarts, Restarts(s.Counts))
		sizes, workers := map[string]int64{}, pool.Workers()
		each := placesOf(p.m, s.App)
		busy := 0
		for _, w := range workers {
			sizes[w.Worker] += w.RSS
			busy += min(sent(w.InFlight), max(each, 1))
		}
		if each > 0 {
			gauge(descPlaces, float64(s.Workers*each))
			gauge(descPlacesBusy, float64(busy))
		}
		for worker, n := range p.m.cpu.look(s.App, workers, process.CPU) {
			c <- prometheus.MustNewConstMetric(descCPU, prometheus.CounterValue, n, s.App, worker)
		}
		for worker, n := range sizes {
			gauge(descRSS, float64(n), worker)
		}
	}
}

// placesOf is how many requests a worker of the app runs at a time; 0: not known.
func placesOf(m *Metrics, app string) int {
	if of := m.places.Load(); of != nil {
		return (*of)(app)
	}
	return 0
}

// sent counts the requests that a worker has.
func sent(list []shim.InFlight) (n int) {
	for i := range list {
		if !list[i].Sent.IsZero() {
			n++
		}
	}
	return n
}

// Restarts counts the exits of workers that another one has replaced.
func Restarts(c supervisor.Counts) int64 {
	var n int64
	for kind, k := range c.Exits {
		if kind.Reason != supervisor.Shutdown.String() && kind.Reason != supervisor.ScaleDown.String() {
			n += k
		}
	}
	return n
}
