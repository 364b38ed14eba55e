// Package systemd notifies a service manager of the state of this service, as sd_notify(3)
// and systemd.service(5) define it: READY, RELOADING, STOPPING, STATUS, MAINPID,
// EXTEND_TIMEOUT_USEC, WATCHDOG.
//
//	notify.go  Notifier: the messages
//	loop.go    Loop: the messages that are repeated
//	monotonic_linux.go, monotonic_other.go  the clock of MONOTONIC_USEC
//
// The package knows nothing of the service: its caller passes functions that say how it is
// doing. There is one goroutine, Loop's: the caller starts it, ends it by its context, and
// waits for it.
package systemd
