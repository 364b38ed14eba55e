package shim

import "time"

// Label names a request in logs and in status: the supervisor sees no HTTP.
type Label struct {
	ID, Method, Target string
	Client             string // its address; empty: unknown
	Start              time.Time
	// Attempt is 1 for the first run (0 means 1), 2 for a retry.
	Attempt int
	// Again says whether the request may be run once more when its worker dies after
	// it has started: "yes", or why not; empty: its method had started.
	Again string
}
