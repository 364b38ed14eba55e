// Package upstream knows the servers that requests are forwarded to: how they are reached, which of them is asked next, and
// which ones get no requests because they refuse connections, fail, or do not pass their checks.
//
// Object graph:
//
//	Group -> Policy    which of the members that may be asked is
//	Group -> Member    an Upstream as a route uses it: its weight, its transport, its check
//	Member -> Upstream one server and what is known of it: requests, latency, health. It outlives a reload, a Group does not
//	Walk -> Group      the way of one request: each member is asked at most once
//	Member -> Transport  Request, Response: what a route asks, and what it gets
//	HTTP -> Dialer     the Transport to a server that speaks HTTP
//	http1 -> conn1 -> socket  its connections; exchange1 is one Request on one of them, and body1 what is left of the Response
//	Ending             when a request ends early
//	Call               what one request does with a connection, for transports of other protocols
//
// Files:
//
//	upstream.go  Upstream, its State, and Member
//	health.go    the state machine: refused connections, failures in a row, checks
//	latency.go   the mean time until a response
//	group.go     Group and Walk: who may be asked
//	report.go    outcomes of requests, the records that follow, and what status and metrics show
//	watch.go     the goroutines: checks, and the ends of ejections
//	probe.go     one active check
//	set.go       Set: some members of a Group
//	policy.go    Policy, RoundRobin, LeastConn, TwoChoices
//	hash.go      Hash: by a key of the request
//	sticky.go    Sticky: by a signed cookie
//	budget.go    how many retries there may be
//	slots.go     the wait where all have as many requests as they may have
//	dialer.go    Dialer, Timeouts
//	unix_*.go    a connection over a unix socket, for a Call
//	message.go   Transport, Request, Response; RoundTripper: other protocols' transports
//	ending.go    Ending: the context of a request
//	http.go      HTTP: the Transport to one server, which chooses the version of HTTP
//	http1.go     HTTP/1.1: a request and its response on a connection
//	http1send.go how a request is written
//	http1body.go the body of a response
//	head.go      head: the pure parser of the heads of responses
//	inform.go    informational responses
//	keep.go      idle connections: which may be used again
//	socket.go, socket_*.go  socket: a connection whose deadlines and calls cost little
//	call.go      Call: deadlines, and the request body; Framing
//	errors.go    what the error of a transport says
//
// What is not here: what an upstream is told of the client, and whether a request may go to
// a second one (bridge/proxy); other protocols, which are an http.RoundTripper each
// (bridge/uwsgi). A further way to balance load is a Policy.
//
// A server may close an idle connection at the moment when a request is written to it. A connection of HTTP/1.1 is looked at
// before its use (alive), which finds every one that was closed before; and a request that may run twice is sent again. A POST
// uses a kept connection only where the server was seen to keep idle ones for a second or more, and this one was idle for less
// than a quarter of that: it then cannot be the one that the server is about to close for its age. Else it gets a new one,
// which costs some 50 us on one machine, and a round trip on a network.
//
// The head of a response is read strictly (RFC 9112), because the server and this proxy have to agree on where the response ends:
// a folded line, a control byte, two lengths, or a length beside a Transfer-Encoding is no response. A line may end with LF alone.
//
// Goroutines: those that Group.Start starts, which end with Group.Stop; those of net/http's Transport (HTTP/2), which end with
// the response, with the idle time of a connection, or at CloseIdleConnections; one that sends a Call's body, which
// Call.End waits for, or that of an HTTP/1.1 request, which exchange1.end waits for. The package is a leaf: it imports
// the leaves proxyproto, cpu, httpx and cgi only.
package upstream
