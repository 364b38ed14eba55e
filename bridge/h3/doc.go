// Package h3 is a way in: it speaks HTTP/3 (RFC 9114) over QUIC (RFC 9000). The protocols are
// quic-go's.
//
// A Server has Sockets, one for each address, and an entry for each connection that begins. When
// quic-go has the keys of a connection, it becomes a conn, which has an http3.Server of its own: so
// that each connection gets its own GOAWAY, and none is counted for another.
//
//	server.go    Server, Options: Serve, Leave, Shutdown, Close
//	entry.go     entry: a connection from its first packet on; limits, Retry, why handshakes fail
//	conn.go      conn: its requests, its GOAWAY, its end
//	request.go   one request; what may run before the handshake is complete
//	body.go      upload: the body of a request, whose client may leave
//	writer.go    writer: the answer, as fast as its client takes it
//	socket.go    Socket: a UDP socket and its part in an upgrade
//	relay*.go    the packets that one process passes to another
//	ids.go       connection ids that name their process; Keys
//	buffers*.go  the kernel's buffers of a Socket
//
// The limits of connections are package listen's, asked by Options.Admit. TLS is package https's,
// by the interface TLS.
//
// Goroutines: Serve runs on its caller's. Each connection has one that serves it and one that waits
// for its handshake; those of quic-go for a socket, connections and requests end with them.
// Shutdown and Close wait for the connections.
package h3
