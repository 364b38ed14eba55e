// Package nethttp serves HTTP/1.1 with net/http. All that works around net/http is in this
// package and nowhere else, so that another HTTP server can take its place: it implements
// listen.Protocol and gives each handler a *httpx.Writer.
//
// The object graph: a Server has the http.Server, which knows it as its handler; the
// listener wraps each listen.Conn into a conn, which has a coalescer and a readLimit.
//
//	server.go     Server: Serve, Leave, Shutdown, Close; one request; net/http's log
//	conn.go       conn: what begins and ends with a request, refusals, lingering
//	coalescer.go  coalescer: an answer in one call, lines of its head that net/http never sees
//	readlimit.go  readLimit: few of the read deadlines reach the system
//
// What it works around: net/http answers malformed requests without a handler (Write finds
// them), takes Content-Length beside Transfer-Encoding (begin ends the connection), sends
// an answer of more than 4 KiB in two calls, sets six deadlines for each request, and knows
// a panic with http.ErrAbortHandler as the one way not to end an answer (Server.answer).
//
// Goroutines: net/http owns one for each connection, and ends them in Shutdown and Close.
package nethttp
