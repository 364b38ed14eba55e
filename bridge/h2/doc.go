// Package h2 speaks HTTP/2 (RFC 9113) on connections that another way in has accepted. The protocol
// is net/http's; package http1 recognises the client's preface, and gives the connection here.
//
// The package has one file, server.go. A Server has a feed, the net.Listener that net/http serves,
// and makes a conn of each connection.
//
// Goroutines: New starts one that serves the feed, and ends in Shutdown and Close. Those of
// net/http for connections and streams end with the connection, for which ServeConn waits.
package h2
