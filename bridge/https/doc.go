// Package https is a way in: it does the TLS handshakes of a listener's connections, and gives
// each connection to the server of the protocol that its client has negotiated (ALPN, RFC 7301).
//
// The object graph: a Server has Options, with the certificates and the Protocols behind it; it
// makes a Conn of each *listen.Conn; a Conn has the *tls.Conn, which reads and writes through a
// transport, which has the *listen.Conn.
//
//	server.go     Server, Options, Protocol: Serve, Leave, Shutdown, Close
//	settings.go   Settings, which may change: the policy of handshakes; the keys of session tickets
//	listeners.go  listeners: those that are served
//	handshake.go  one handshake; what becomes of the connection
//	conn.go       Conn: what a Protocol gets
//	write.go      its writes: a head with a body or a file
//	transport.go  transport: the bytes below TLS; who computes and who waits
//	records.go    records: where the records of TLS end
//	wait_*.go     the wait for a request, without a buffer where the system allows it
//	failure.go    why handshakes fail
//	plain.go      the answer to plain HTTP
//	client.go     certificates of clients
//	dn.go         distinguished names, as mod_ssl and nginx write them
//	variables.go  the CGI variables of a connection
//	quic.go       QUIC: what connections over QUIC have in common with these
//
// A new protocol is one more of Options.Protocols; cmd/internal/compose names them. The first
// one is for clients that negotiate nothing.
//
// Handshakes are computing: a handshake has one of package cpu's slots while it computes, and
// none while it waits for its client. So clients that open many connections do not delay the
// requests of others, and the number of handshakes that compute at a time is bounded.
//
// The inner *listen.Conn keeps its place: limits of connections, slow clients, and the watch for
// clients that disconnect work on the socket below TLS. A close_notify without a FIN is a
// half-close: the client waits for its answer, however late it comes.
//
// Goroutines: Serve starts one for each connection, which does the handshake and calls
// Protocol.ServeConn. Shutdown waits for handshakes, and the Protocols for their connections.
package https
