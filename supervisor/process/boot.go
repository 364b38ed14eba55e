package process

import (
	"fmt"
	"time"
)

// BootTimeoutError: a worker or template was not ready within its boot timeout.
type BootTimeoutError struct {
	Limit time.Duration
	// Earlier are the stacks of its threads some time before the end; empty: it could not be looked at. A boot is stuck
	// where they are the same as at the end; otherwise it is slow.
	Earlier string
}

func (e *BootTimeoutError) Error() string { return fmt.Sprintf("not ready within %v", e.Limit) }

// Looks keeps the last stacks of a boot.
type Looks struct{ list [2]look }

type look struct {
	at     time.Time
	stacks string
}

func (l *Looks) Add(stacks string) string {
	l.list[1], l.list[0] = l.list[0], look{time.Now(), stacks}
	return stacks
}

// before is the newest look that is old enough to tell a boot that is stuck from a slow one.
func (l *Looks) Before(limit time.Duration) string {
	for _, at := range l.list {
		if at.stacks != "" && time.Since(at.at) >= min(limit/4, time.Second) {
			return at.stacks
		}
	}
	return ""
}
