// Package upgrade hands the service over to a new process, which may be another
// release: it gets the listening sockets, boots its own workers, and takes over when
// these are ready. Until then the old one serves, and it keeps serving when the new one
// fails.
//
// start.go is the side of the old process, inherit.go that of the new one, redirect_*.go
// the output of the new one. The old process passes a handshake at the start (JSON in the
// environment). Then both exchange lines over a pair of pipes:
//
//	new: ready            its workers are ready; it accepts no connection yet
//	     failed SENTENCE  it exits
//	old: go               the files of the sockets are yours: accept connections
//	     stop             the upgrade is cancelled (SIGTERM is sent too)
//	new: taken            it accepts; the old one stops accepting connections
//	old: (closes)         the service manager knows: report for the service
//
// The end of the old process before "go" means go, since no other process serves.
//
// Goroutines: an Attempt has three (the wait for the process, its lines, its output), which
// end with the new process or with this one; Attempt.run closes Done.
package upgrade
