// Package listen opens the addresses that are served, and holds what all connections have
// in common, whatever protocol is spoken on them: one limit of connections, one watch over
// slow clients, and one end.
//
// The object graph: a Group has the listeners (limitListener), a watch, and disconnects; a
// limitListener returns Conns; each Conn has a pace and a readLimit, at which the watch
// looks, and a clientWatch, at which disconnects look. A Protocol
// (package http1, package uwsgi) serves the Conns of a listener; the Group knows it by
// its four methods, and it knows nothing of the Group.
//
//	listener.go    Listen: host:port, :port, unix:/path, fd://N; ListenError
//	listener_*.go  unix sockets with mode and owner, and what a system cannot do
//	handover.go    a listener that another process takes over: Inherit, File, RemoveOnClose
//	packet.go      the UDP socket beside a listener
//	admit.go       connections over UDP, which the Group counts with its own
//	group.go       Group, Protocol: Serve, Leave, Shutdown, Close; connection counts
//	accept_*.go    a cheaper accept of unix sockets
//	socket_*.go    socket: a connection over a unix socket that joins Go's poller when it waits
//	limit.go       limitListener: max_connections, and no spinning without file descriptors
//	perclient.go   clientCounts: max_connections_per_client
//	front.go       Header: what a PROXY header says; who may send one
//	conn.go        Conn: a client's connection, its slot
//	tunnel.go      Tunnel: a connection that was upgraded
//	write.go       its writes, which are watched: bytes, a head with a body or a file
//	transfer_*.go  transfer: writev(2) and sendfile(2) without allocations
//	readlimit.go   readLimit: until when a read may wait
//	linger.go      the end of a connection whose client still sends
//	disconnect*.go disconnects: clients that disconnect while their requests run
//	watch.go       watch: all open connections, and the one timer that looks at them
//	pace.go        pace: whether one client is too slow
//	sendfile_*.go  sendfile(2) from a file's own position
//	unsent_*.go    what a client has taken
//
// What is not here: HTTP, routes, apps, workers. A new way in is a package that implements
// Protocol; cmd/internal/compose picks it by the setting protocol of [[listen]]. The ways
// in may import this package, because connections come from here; it is the one exception
// to the rule that they import leaves only.
//
// Goroutines: Serve runs on its caller's. One timer, which runs while there are
// connections, looks at their pace and their reads; another one, which runs while there are
// requests, finds those that take long. One goroutine waits for their clients' ends; it
// begins with the first such request, and Shutdown and Close end it. The protocols own all
// others, and end them in Shutdown and Close.
package listen
