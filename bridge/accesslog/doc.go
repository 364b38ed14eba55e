// Package accesslog writes one line for each request.
//
//	log.go   Log: lines are gathered and written at most 100 ms later; Reopen, Close
//	line.go  the formats Combined and JSON
//	short.go the format Short, for people at a terminal
//
// What is not here: which requests are logged (the stage chain.Done calls Log.Request), and
// their facts (httpx.RequestInfo). A new field of a line is two lines in line.go.
//
// The only goroutine is the timer's, which writes; Close stops it.
package accesslog
