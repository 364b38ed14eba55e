// Package limitstore keeps the counts of [[limit]] in a Redis or Valkey server, for several
// processes together.
//
//	store.go   Store: one request to the server for each request that is counted
//	script.go  the script, which decides in the server and by its clock
//
// A key is standpipe:limit:NAME: and a digest, so that the server holds no cookie and no API key. Its
// value is a time in microseconds, and it expires with it.
//
// While the server does not answer, no request waits for it: the first that fails opens the circuit,
// and all others are told at once. One goroutine then tries the server until it answers; the
// circuit of the Store has it, and Close ends it and waits.
package limitstore
