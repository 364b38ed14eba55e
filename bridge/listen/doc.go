// Package listen opens the addresses that are served, and holds what all connections have
// in common, whatever protocol is spoken on them: one limit of connections, one watch over
// slow clients, and one end.
//
// The object graph: a Group has the listeners (limitListener) and a watch; a
// limitListener returns Conns; each Conn has a pace, at which the watch looks. A Protocol
// (package nethttp, package uwsgi) serves the Conns of a listener; the Group knows it by
// its four methods, and it knows nothing of the Group.
//
//	listener.go    Listen: host:port, :port, unix:/path, fd://N; ListenError
//	listener_*.go  unix sockets with mode and owner, and what a system cannot do
//	handover.go    a listener that another process takes over: Inherit, File, RemoveOnClose
//	group.go       Group, Protocol: Serve, Leave, Shutdown, Close; connection counts
//	limit.go       limitListener: max_connections, and no spinning without file descriptors
//	conn.go        Conn: writes that are watched, files, deadlines, its slot
//	watch.go       watch: all open connections, and the one timer that looks at them
//	pace.go        pace: whether one client is too slow
//	sendfile_*.go  sendfile(2)
//	unsent_*.go    what a client has taken
//
// What is not here: HTTP, routes, apps, workers. A new way in is a package that implements
// Protocol; cmd/internal/compose picks it by the setting protocol of [[listen]]. The ways
// in may import this package, because connections come from here; it is the one exception
// to the rule that they import leaves only.
//
// Goroutines: Serve runs on its caller's. One timer, which runs while there are
// connections, looks at their pace. The protocols own all others, and end them in Shutdown
// and Close.
package listen
