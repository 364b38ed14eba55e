// Package logfile opens the logs and writes them without waiting for their readers.
//
//	log.go     Log: the error log, for people or as JSON, on standard error or in a file
//	library.go Libraries: what libraries write by Go's package log
//	access.go  the access log's file, or standard output
//	file.go    File: a log file that can be reopened under its name, after a rotation
//	outlet.go  Outlet: a writer that never blocks; it buffers, and counts what it drops
//
// Log holds an Outlet, which writes to standard error or to a File. An Outlet has one
// goroutine; Outlet.Close ends it and waits for it.
package logfile
