package supervisor

import "fmt"

// State is where a worker is in its life.
type State int32

// The states, in the order of a life; a worker may leave any for Exited.
const (
	Starting State = iota // the process runs, Hello has not come
	Booting               // the app is being imported
	Serving
	Draining // takes no new request, finishes what it has
	Stopping // was told to leave
	Killing  // was sent SIGKILL
	Exited   // reaped
)

func (s State) String() string {
	names := [...]string{"starting", "booting", "serving", "draining", "stopping", "killing", "exited"}
	if s < 0 || int(s) >= len(names) {
		return fmt.Sprintf("State(%d)", int32(s))
	}
	return names[s]
}

// mayFollow reports whether a worker in s may get to next.
func (s State) mayFollow(next State) bool {
	return next > s && (next != Serving || s == Booting) && (next != Draining || s == Serving) && (next != Booting || s == Starting)
}

// Reason is why a worker was asked to leave; None: it was not asked.
type Reason int

// The reasons.
const (
	None Reason = iota
	Shutdown
	RequestTimeout
	ProtocolError
	BootFailed
	BootTimeout
	ClientGone  // its client disconnected, and the work for it was interrupted
	Reload      // a new generation took its place
	Restart     // a person asked for it
	ScaleDown   // the pool has fewer slots
	MaxRequests // it has served as many as it may
	MaxLifetime // it has lived as long as it may
	MaxRSS      // it is larger than it should be; it finishes its requests
	HardRSS     // it is larger than it may be; it was killed
	Upgrade     // another standpipe process has taken over
)

func (r Reason) String() string {
	names := [...]string{"none", "shutdown", "request_timeout", "protocol_error", "boot_failed", "boot_timeout", "client_gone",
		"reload", "restart", "scale_down", "max_requests", "max_lifetime", "max_rss", "hard_rss", "upgrade"}
	if r < 0 || int(r) >= len(names) {
		return fmt.Sprintf("Reason(%d)", int(r))
	}
	return names[r]
}

// planned reports whether the slot starts the next worker at once.
func (r Reason) planned() bool {
	return r == RequestTimeout || r.ends() || r == ClientGone || r.finishes()
}

// ends reports whether the pool ends, and with it all workers.
func (r Reason) ends() bool { return r == Shutdown || r == Upgrade }

// finishes reports whether a worker that leaves for this reason finishes its requests first.
func (r Reason) finishes() bool {
	switch r {
	case Reload, Restart, ScaleDown, MaxRequests, MaxLifetime, MaxRSS:
		return true
	}
	return false
}
