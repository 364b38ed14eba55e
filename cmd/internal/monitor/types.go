package monitor

import "time"

// Figures are what is known of the requests of the last seconds, of slow requests, and of what happened.
type Figures struct {
	At time.Time `json:"at"`
	// Span is how many seconds the rates and quantiles of Apps cover; below a whole window after the start.
	Span float64 `json:"span_seconds"`
	// Threshold is from how many seconds on a request is slow; 0: none is.
	Threshold float64 `json:"slow_seconds"`
	// Apps are the apps in the order of the configuration, then "others" (apps beyond the first 64),
	// "static", "routes" and "server" for requests that no app has answered; those without a request are left out.
	Apps []AppFigures `json:"apps"`
	// Slow are requests beyond the threshold, those that run first, then the newest; at most 100.
	Slow []SlowRequest `json:"slow"`
	// Marks are what happened in the last hour, the oldest first; at most 500.
	Marks []Mark `json:"marks"`
	// Workers are the processes of the apps that are up or start.
	Workers []WorkerFigures `json:"workers"`
}

// WorkerFigures are those of one process.
type WorkerFigures struct {
	Worker string  `json:"worker"` // "shop/3"; while one is replaced there are two of that name
	Pid    int     `json:"pid"`
	CPU    float64 `json:"cpu"` // seconds of processor time per second, lately; 0 where the system does not tell
}

// AppFigures are those of one app. Rates are per second.
type AppFigures struct {
	App      string  `json:"app"`
	Requests float64 `json:"requests"`
	Failed   float64 `json:"failed"`  // answered with 5xx, or cut
	Refused  float64 `json:"refused"` // answered with 4xx
	Sent     float64 `json:"sent"`    // bytes of bodies
	// Cached is the part of Requests that the HTTP cache has answered.
	Cached float64 `json:"cached"`
	// Whole is the time of a request from its head to the end of its answer; the others are its parts.
	Whole     Quantiles `json:"whole"`
	Receiving Quantiles `json:"receiving"`
	Waiting   Quantiles `json:"waiting"`
	Running   Quantiles `json:"running"`
	Sending   Quantiles `json:"sending"`
	// Total is the number of requests since the start.
	Total int64 `json:"total"`
}

// Quantiles of a time, in seconds; all are 0 without a request.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// SlowRequest is one that took longer than the threshold, or runs for that long.
type SlowRequest struct {
	ID     string `json:"id"`
	App    string `json:"app"`
	Worker string `json:"worker,omitempty"`
	// Upstream is the upstream of a route that was asked last.
	Upstream string    `json:"upstream,omitempty"`
	Method   string    `json:"method"`
	Target   string    `json:"target"`
	Started  time.Time `json:"started"`
	Runs     bool      `json:"runs"`             // it has not ended
	Status   int       `json:"status,omitempty"` // 0 while it runs
	Seconds  float64   `json:"seconds"`
	// Receiving is the time in which the request's body came; of one that runs it is part of Waiting.
	Receiving float64 `json:"receiving_seconds"`
	Waiting   float64 `json:"waiting_seconds"`
	Running   float64 `json:"running_seconds"`
	Sending   float64 `json:"sending_seconds"`
	Line      string  `json:"line,omitempty"` // of Python, "app.py:12 in view", if it is known
}

// Mark is something that happened to an app or to the server.
type Mark struct {
	At time.Time `json:"at"`
	// Kind is "worker_exit", "boot_failed", "request_timeout", "queue_full", "queue_timeout", "reloaded", "reload_failed", "restarted" (a
	// worker, by a command), "scaled", "started", "upgraded" (another process serves) or
	// "upgrade_failed". There may be others in the future.
	Kind   string `json:"kind"`
	App    string `json:"app,omitempty"`    // empty: the server
	Worker string `json:"worker,omitempty"` // "shop/3"
	Text   string `json:"text,omitempty"`   // the cause, in a few words
	Bad    bool   `json:"bad"`              // it was not asked for
	// Repeated is how often the same has happened again within the minute after At.
	Repeated int `json:"repeated,omitempty"`
}

// History is the last hour in equal steps, the oldest first. All lists of an app have the same length; the newest value
// was taken at At. Times are in seconds, rates per second.
type History struct {
	At   time.Time    `json:"at"`
	Step float64      `json:"step_seconds"`
	Apps []AppHistory `json:"apps"`
}

// AppHistory is that of one app.
type AppHistory struct {
	App      string    `json:"app"`
	Requests []float32 `json:"requests"`
	Failed   []float32 `json:"failed"`
	P50      []float32 `json:"p50"`
	P95      []float32 `json:"p95"`
	P99      []float32 `json:"p99"`
	Waiting  []float32 `json:"waiting"` // 95th percentile of the time in the queue
	Queue    []float32 `json:"queue"`   // requests in the queue
	Busy     []float32 `json:"busy"`    // workers
	Workers  []float32 `json:"workers"` // those that are up
	RSS      []float32 `json:"rss"`     // bytes of all workers
	CPU      []float32 `json:"cpu"`     // seconds of processor time per second, of all workers
	Cached   []float32 `json:"cached"`  // answers of the HTTP cache per second
}

// Last is the history with its last n steps alone. Lists of fewer stay as they are.
func (h History) Last(n int) History {
	apps := make([]AppHistory, len(h.Apps))
	for i, a := range h.Apps {
		for _, list := range []*[]float32{&a.Requests, &a.Failed, &a.P50, &a.P95, &a.P99, &a.Waiting, &a.Queue, &a.Busy, &a.Workers, &a.RSS, &a.CPU, &a.Cached} {
			*list = (*list)[max(0, len(*list)-n):]
		}
		apps[i] = a
	}
	h.Apps = apps
	return h
}
