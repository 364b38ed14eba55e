// Package upstream knows the servers that requests are forwarded to: how they are reached, which of them is asked next, and
// which ones get no requests because they refuse connections, fail, or do not pass their checks.
//
// Object graph:
//
//	Group -> Policy    which of the members that may be asked is
//	Group -> Member    an Upstream as a route uses it: its weight, its transport, its check
//	Member -> Upstream one server and what is known of it: requests, latency, health. It outlives a reload, a Group does not
//	Walk -> Group      the way of one request: each member is asked at most once
//	HTTP -> Dialer     the transport to a server that speaks HTTP
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
//	http.go      HTTP: an http.RoundTripper to one server
//	call.go      Call: deadlines, and the request body; Framing
//	errors.go    what the error of a transport says
//
// What is not here: what an upstream is told of the client, and whether a request may go to
// a second one (bridge/proxy); other protocols, which are an http.RoundTripper each
// (bridge/uwsgi). A further way to balance load is a Policy.
//
// Goroutines: those that Group.Start starts, which end with Group.Stop; those of net/http's Transport, which end with
// the response, with the idle time of a connection, or at CloseIdleConnections; one that sends a Call's body, which
// Call.End waits for. The package is a leaf: it imports
// the leaf proxyproto only.
package upstream
