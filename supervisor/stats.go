package supervisor

import (
	"time"

	"github.com/standpipe/standpipe/shim"
)

// Counts only grow, over all workers that the pool has had.
type Counts struct {
	// Served requests; the refused ones; boots that failed.
	Served, QueueFull, QueueTimeouts, BootFailures int64
	// PrefetchStuck requests had to wait behind one in a worker that could not give
	// them back.
	PrefetchStuck int64
	// Started workers, and how those that ended did: by cause ("exit:0", "signal:9",
	// "oom") and reason ("none", "reload").
	Started int64
	Exits   map[ExitKind]int64
}

// ExitKind is why and how a worker ended.
type ExitKind struct{ Cause, Reason string }

// Stats is the present state of a pool.
type Stats struct {
	App string
	// Generation that serves, and the folder that it was made from, links resolved
	// (empty: not known); Reloading: a newer one boots.
	Generation int
	Release    string
	Reloading  bool
	// Workers is the number of slots. Each is in one of these: Idle + Busy + Booting
	// + Draining + BackingOff == Workers.
	Workers                                   int
	Idle, Busy, Booting, Draining, BackingOff int
	// Surplus workers live beside those of the slots: they boot to replace one, or
	// finish what they run.
	Surplus int
	// Ready of workers take requests; Waiting of at most Limit (0: no limit) requests
	// are in the queue, the first of them for Oldest.
	Ready, Waiting, Limit int
	Oldest                time.Duration
	// Queued are the first requests of the queue, at most 100.
	Queued []shim.Label
	// Unserved is for how long no worker has taken requests while boots fail; 0: one
	// does, or the first boot since is still under way.
	Unserved time.Duration
	// EverUp: a worker has been ready once. Stopping: Stop or Kill was called.
	// Paused: Pause was. Asleep: IdleStop has stopped all.
	EverUp, Stopping, Paused, Asleep bool
	Counts                           Counts
}

// WorkerInfo is the present state of one worker.
type WorkerInfo struct {
	Who
	State State
	// Release is the folder that its generation was made from; empty: not known.
	Release string
	// Reason why it leaves; None: it does not. It is only known of those that a
	// replacement boots for.
	Due    Reason
	Up     time.Duration
	Served int64
	// RSS in bytes when it was last looked at; 0: it was not.
	RSS      int64
	InFlight []shim.InFlight
}

// TemplateInfo is the present state of a template.
type TemplateInfo struct {
	Who
	// Ready: it has imported the app.
	Ready bool
	Up    time.Duration
	// Forks is how many workers it has made.
	Forks int
	// PSS is the resident size with each shared page divided by the number of processes that share it,
	// in bytes, read at the call; 0: unknown.
	PSS int64
}

// BusyWorker is a worker and the requests that it runs.
type BusyWorker struct {
	Worker   string
	InFlight []shim.InFlight
}
