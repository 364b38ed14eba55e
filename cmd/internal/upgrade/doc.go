// Package upgrade passes the service to a new process, which may be another release: the new
// process gets the listening sockets, boots its own workers, and takes over when they are
// ready. Until then the old process serves, and if the new one fails it continues to serve.
//
//	start.go    the old process: Start, and the handshake that the new process gets
//	kept.go     secrets, which go over the pipe
//	attempt.go  the old process: Attempt, from the boot to the takeover
//	tail.go     the end of the new process's output
//	inherit.go  the new process: Inheritance
//	redirect_unix.go, redirect_windows.go  descriptors of standard output and error
//
// The two talk over a pair of pipes, in lines:
//
//	new: ready            its workers are ready; it accepts no connection yet
//	     failed SENTENCE  it exits
//	old: kept NAME BASE64 secrets, before all others; the new process reads them at its start
//	old: go               you own the sockets' files: accept connections
//	     stop             the upgrade is cancelled (SIGTERM comes too)
//	new: taken            it accepts connections; the old one stops accepting
//	old: (closes)         the service manager knows the new process: notify it from now on
//
// The end of the old process before "go" means go: no other process serves.
//
// Goroutines: an Attempt has five: one writes the secrets, one waits for the process, one reads its lines, one reads its
// output, and run waits for all of them and sends the result to Done. They end with the new
// process, or with this one. An Inheritance has one, which ends when the old process closes
// the pipe.
package upgrade
