// Package body reads the body of a request: whole before anything else happens, or while
// it comes. It knows how large the body may be, how slow its client may be, and what a
// refused client needs. Every handler that takes bodies uses it, so that they share one
// set of errors and one map from these errors to statuses.
//
// Object graph:
//
//	Body -> source         the body of a request to a handler, and the reads from its client
//	Body -> spool.Buffer   where a body is buffered; Reader reads it again
//	Sized                  the body of a request that a server of ours reads from a connection
//
// Files:
//
//	body.go    Body: buffered or streaming, refusal
//	source.go  source: reads from the client, with limits and deadlines
//	reader.go  Reader: a Body for a request to another server, one for each try
//	sized.go   Sized: a body whose length is declared, on a connection of its own
//	errors.go  the errors and their statuses
//
// The package starts no goroutine. It is a leaf: it imports httpx and spool.
package body
