package systemd

import "golang.org/x/sys/unix"

// monotonic is the clock of MONOTONIC_USEC, in microseconds.
func monotonic() int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // cannot fail for this clock
	return t.Nano() / 1000
}
