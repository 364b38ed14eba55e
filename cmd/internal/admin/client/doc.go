// Package client is the commands' end of the control socket: it finds the running server and
// sends it requests. Package admin defines them.
//
//	client.go  Client: requests over one socket
//	watch.go   Top, its stream, the last hour
//	find.go    Find and Ask: which servers answer
//	trusted_unix.go, trusted_windows.go  which folders and sockets are trusted
//
// It has no goroutine of its own; those of net/http end with Close.
package client
