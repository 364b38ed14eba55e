// Package systemd reports the state of this service to a service manager, by sd_notify(3)
// and systemd.service(5): READY, RELOADING, STOPPING, STATUS, MAINPID,
// EXTEND_TIMEOUT_USEC, WATCHDOG.
//
// notify.go has the messages, loop.go the repeated ones (status, watchdog), monotonic_*.go
// the clock of RELOADING. Package run says what the service does. One goroutine, Loop's,
// which its caller starts, ends by ctx, and waits for.
package systemd
