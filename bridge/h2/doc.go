// Package h2 speaks HTTP/2 (RFC 9113) on connections that another way in has accepted. The protocol
// is net/http's. Package https gives it the connections that negotiate it, and package http1 those
// without TLS on which it has recognised the client's preface.
//
// A Server has a feed, the net.Listener that net/http serves, and makes a conn of each connection. A
// conn follows the heads of frames in both directions. It ends connections whose clients send floods
// that net/http takes, and notices what net/http answers and ends by itself; the bytes stay as they
// are, but for settings that a frame has twice, which net/http refuses.
//
//	server.go    Server, Options: ServeConn, ServeBegun, Leave, Shutdown, Close
//	conn.go      conn: one connection
//	frames.go    the heads of frames; walk: where they are in a stream of bytes
//	incoming.go  what the client sends
//	budget.go    budgets: how much of it is too much
//	settings.go  settings that a frame has twice
//	outgoing.go  what net/http sends: its own answers, its reasons to end a connection
//	farewell.go  how a connection ends when the server stops
//	body.go      upload: the body of one request, whose client may leave
//	stream.go    stream: the writer of one request, whose client may keep its window shut
//	records.go   what the server counts and logs
//
// Goroutines: New starts one that serves the feed, and ends in Leave, Shutdown and Close. Those of
// net/http for connections and streams end with the connection, for which ServeConn and ServeBegun
// wait; meanwhile they do what the farewell needs. The timer of streams runs while there are streams,
// and that of Leave for half a second; Shutdown and Close stop both.
package h2
