// Package http1 is an HTTP/1.1 and HTTP/1.0 server (RFC 9110, RFC 9112). It takes exactly what
// the grammar of RFC 9112 allows and refuses all else: there is no lenient second parser, so
// that a server in front and this one agree on where each request begins.
//
// The object graph:
//
//	Server -> conn -> link       one connection, and its *listen.Conn
//	          conn -> scratch    the memory of one request; none between two requests
//	                  scratch -> input, scanner, head    bytes, the end of a head, its meaning
//	                             request, requestContext the *http.Request of a handler
//	                             writer                  its http.ResponseWriter
//	                             writer -> encoder, sender
//	                  body -> chunks                     the body of a request
//
// Files:
//
//	server.go      Server, Options: Serve, ServeConn, Leave, Shutdown, Close
//	conn.go        conn: the life of a connection, and the heads of its requests
//	exchange.go    one request and its answer; what happens to the connection then
//	wait_*.go      the wait for a request, without a buffer where the system allows it
//	link.go        link: what a conn needs of its connection
//	input.go       input: bytes that have come and were not taken
//	head.go        scanner, head: the pure parser of heads; Refusal
//	target.go      the forms of a request target
//	names.go       usual field names
//	chunks.go      chunks: the pure decoder of chunked bodies
//	body.go        body: what a handler reads
//	deadline.go    readDeadline: few of the read deadlines reach the system
//	request.go     request: a *http.Request that is used again
//	context.go     requestContext: ends with the client, and with the handler
//	writer.go      writer: http.ResponseWriter, Hijack, files
//	encode.go      encoder: the head of an answer
//	sender.go      sender: the bytes of an answer, gathered and framed
//
// Where net/http and nginx make something else of the same bytes, and why, is in DIFFERENCES.md; the bytes are in
// testdata/corpus.
//
// What a handler gets: a *httpx.Writer, whose inner writer has FlushError, Hijack, ReadFrom and
// SendFile, the deadlines of http.ResponseController, and full duplex at all times. It may keep
// nothing of the request but its context. Trailers are dropped in both directions, and no
// Content-Type is guessed.
//
// How connections end. An answer that says "Connection: close" ends its connection; so does an
// answer whose request body was not read: up to 256 KiB of it are read and discarded within 10
// seconds, and beyond that the connection lingers (listen.Conn.LingeringClose), so that the
// answer arrives. A client that closes its side within 50 ms after its request waits for the
// answer; one that does so later has disconnected (listen.Conn.WatchRequest).
//
// Goroutines: Serve starts one for each connection, which runs the handlers and ends when the
// connection is closed or given away by Hijack. One that has been idle for a quarter of a second
// gives its connection to a new one, whose stack is small. Shutdown waits for all of them; Close closes
// the connections, so that they end. The package starts no other.
//
// # Why there is no event loop
//
// A loop of our own over epoll, with a thread of its own or parked in Go's netpoller, was to serve
// simple requests from accept to answer. It brings nothing any more: what it spared was the
// wake-ups of Go's monitor thread by ordinary system calls, which raw ones spare too (shim/nonblock),
// and the second P, which this server does not use while nothing computes for long (cmd/internal/run/tune).
// A small proxy to Python workers, written three ways, needs this processor time for a request, and has
// this p99 (make eventloop; medians of three rounds on two cores, two workers):
//
//	                              1,000/s          4,000/s          12,000/s
//	goroutines, 1 P               48 us, 1.6 ms    43 us, 0.3 ms    31 us, 0.8 ms
//	goroutines, 2 Ps              73 us, 1.2 ms    56 us, 0.8 ms    42 us, 4.7 ms
//	loop in the netpoller, 1 P    49 us, 1.4 ms    49 us, 1.4 ms    31 us, 3.6 ms
//	loop in the netpoller, 2 Ps   54 us, 1.9 ms    44 us, 1.0 ms    32 us, 2.5 ms
//	loop on a thread, 1 P        122 us, 1.0 ms    78 us, 0.4 ms    33 us, 2.4 ms
//	loop on a thread, 2 Ps        71 us, 0.3 ms    39 us, 0.4 ms    29 us, 1.9 ms
package http1
