package process

import (
	"fmt"
	"time"
)

// BootTimeoutError means that a worker or a template was not ready within its boot timeout.
type BootTimeoutError struct {
	Limit time.Duration
	// Earlier are the stacks of its threads some time before the end; empty: they could not be taken. A boot is stuck when
	// they are the same as at the end; otherwise it is slow.
	Earlier string
}

func (e *BootTimeoutError) Error() string { return fmt.Sprintf("not ready within %v", e.Limit) }

// Looks keeps the last stacks of a boot.
type Looks struct{ list [2]look }

type look struct {
	at     time.Time
	stacks string
}

// Add keeps stacks, and returns them.
func (l *Looks) Add(stacks string) string {
	l.list[1], l.list[0] = l.list[0], look{time.Now(), stacks}
	return stacks
}

// Before returns the newest stacks that are old enough to tell a stuck boot from a slow one.
func (l *Looks) Before(limit time.Duration) string {
	for _, at := range l.list {
		if at.stacks != "" && time.Since(at.at) >= min(limit/4, time.Second) {
			return at.stacks
		}
	}
	return ""
}
