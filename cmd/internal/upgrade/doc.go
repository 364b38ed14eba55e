// Package upgrade hands the service over to a new process, which may be another
// release: it gets the listening sockets, boots its own workers, and takes over when
// these are ready. Until then the old one serves, and when the new one fails it goes
// on serving.
//
// start.go is the old process's side, inherit.go the new one's. They talk over a
// pair of pipes, in lines:
//
//	new: ready            its workers are; it takes no connection yet
//	     failed SENTENCE  it ends
//	old: go               the sockets' files are yours: take connections
//	     stop             it is not wanted any more (SIGTERM comes too)
//	new: taken            it does; the old one stops taking connections
//	old: (closes)         the service manager knows: speak for the service
//
// The end of the old process before "go" means go: nobody else serves.
//
// Goroutines: an Attempt has three (the process's wait, its words, its output), which
// end with the new process or with this one; Attempt.run, which Done tells of.
package upgrade
