// Package output turns the bytes that a worker prints into records.
//
// A worker's stdout and stderr are one pipe. What comes out of it is hostile: bytes without a line's end, lines of 64 KiB and
// more, tags that an app made up. Read splits it by request and by line, and keeps a traceback together.
//
// # Objects
//
//	Read -> splitter (one for each pipe) -> group (one for each request) -> grouper (lines into records)
//	Tail    the last 64 KiB of what was printed before a worker was ready
//	Stacks  the stacks of a worker's threads, piece by piece
//
// # Files
//
//	output.go    Read, Split and Tail
//	splitter.go  which request the bytes belong to, by the tags that the shim writes
//	grouper.go   which lines make one record
//	traceback.go the parts of a traceback, and how long a record waits for the next of them
//	stacks.go    Stacks
//
// # Goroutines
//
//	goroutine          started by   ends when         waited for by
//	the pipe's reader  Read         the pipe ends     Read
package output
