// Package fastcgi sends requests to servers that speak FastCGI 1.0, such as PHP-FPM, and finds
// the script that a request runs.
//
// Object graph:
//
//	Scripts -> split        a request's path becomes a script, a file, or neither
//	Transport -> pool       the way out; idle connections
//	Transport -> exchange   one request on a connection
//	exchange -> stream      the records of its response; errorLog gets STDERR
//
// Files:
//
//	scripts.go    Scripts: the http.Handler in front of a route's proxy
//	split.go      where a path is cut into a script and what follows it
//	params.go     the variables of a request; Script
//	transport.go  Options and Transport: an http.RoundTripper; exchange
//	pool.go       idle connections
//	record.go     the records that are sent
//	stream.go     the records that come
//	response.go   the response: its head, read strictly, and its body
//	errorlog.go   what a request prints to STDERR becomes records of the log
//
// What is not here: which field becomes which variable, and what a response's head may hold
// (bridge/cgi); retries among several upstreams (bridge/proxy); files below the root that are
// no scripts (bridge/static; they meet in cmd/internal/compose).
//
// A connection carries one request at a time. When the client disconnects, the connection is closed, behind
// FCGI_ABORT_REQUEST where it has FCGI_KEEP_CONN: PHP-FPM does not read that record while a script runs. A connection
// that is not kept is closed as soon as the response has come, not when the client has it: until then, PHP-FPM's process waits.
//
// Goroutines: one that sends a request body while the response is awaited, which the
// response's Close waits for (upstream.Call). An idle connection has a timer.
package fastcgi
