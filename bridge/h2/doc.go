// Package h2 speaks HTTP/2 (RFC 9113) on connections that another way in has accepted. The protocol
// is net/http's. Package https gives it the connections that negotiate it, and package http1 those
// without TLS on which it has recognised the client's preface.
//
// A Server has a feed, the net.Listener that net/http serves, and makes a conn of each connection.
//
//	server.go  Server, Options: ServeConn, ServeBegun, Leave, Shutdown, Close
//	conn.go    conn; the GOAWAY for connections that come too late
//
// Goroutines: New starts one that serves the feed, and ends in Leave, Shutdown and Close. Those of
// net/http for connections and streams end with the connection, for which ServeConn and ServeBegun wait.
package h2
