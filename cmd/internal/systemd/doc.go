// Package systemd tells a service manager how this service does, as sd_notify(3)
// and systemd.service(5) say: READY, RELOADING, STOPPING, STATUS, MAINPID,
// EXTEND_TIMEOUT_USEC, WATCHDOG.
//
// notify.go holds the words, loop.go what is said again and again. What it says of
// the service it is told by cmd/standpipe. One goroutine, Loop's, which its caller
// starts, ends by ctx, and waits for.
package systemd
