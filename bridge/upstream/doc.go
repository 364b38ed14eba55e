// Package upstream knows the servers that requests are forwarded to: how they are reached,
// which of them is asked next, and which one is left out because it refuses connections.
//
// Object graph:
//
//	Group -> Policy    where a request begins among the upstreams of a route
//	Group -> Upstream  one server: its address, its transport, its state
//	Walk -> Group      the way of one request: each upstream is asked at most once
//	HTTP -> Dialer     the transport to a server that speaks HTTP
//
// Files:
//
//	upstream.go  Upstream and its State
//	group.go     Group, Policy, RoundRobin, Walk
//	dialer.go    Dialer, Timeouts
//	http.go      HTTP: an http.RoundTripper to one server
//	errors.go    what the error of a transport says
//
// What is not here: what an upstream is told of the client, and whether a request may go to
// a second one (bridge/proxy); other protocols, which are an http.RoundTripper each
// (bridge/uwsgi). A further way to balance load is a Policy; a health check sets the State.
//
// Goroutines: those of net/http's Transport, which end with the response, with the idle
// time of a connection, or at CloseIdleConnections. The package is a leaf: it imports
// the leaf proxyproto only.
package upstream
