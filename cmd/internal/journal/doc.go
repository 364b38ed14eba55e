// Package journal writes what happens to workers into the error log, and keeps
// count of how far the apps are with their start.
//
// It is a subscriber of supervisor events: it decides nothing. The records'
// names and what they say are those of the page on behaviour: app_failed,
// worker_exit, request_timeout and so on (journal.go), the line in which a
// request is stuck (stuck.go), how far the start is (progress.go).
//
// No goroutines: events arrive on the goroutine on which they happened.
package journal
