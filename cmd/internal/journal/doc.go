// Package journal writes the events of workers to the error log, and counts how far the apps are with their start.
//
// It subscribes to the events of package supervisor and decides nothing. The names of the records are those of docs/logs.md:
// app_failed, worker_exit, request_timeout and so on.
//
// # Objects
//
//	Journal   one record for each event; repeated boot failures are counted, not repeated
//	Progress  the first start of each app, for the start banner
//
// # Files
//
//	journal.go   Journal, and the records of boots, requests and reloads
//	exit.go      the record of a worker's exit
//	template.go  the records of templates, and of processes that a worker left behind
//	output.go    the level of what an app prints, and the place of a traceback
//	people.go    a failure of a start for people: the sentence, what to do, the traceback where it says more
//	stuck.go     the line in which a request hangs, from stacks
//	progress.go  Progress
//
// It starts no goroutine: events arrive on the goroutine on which they happened.
package journal
