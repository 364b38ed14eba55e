// Package server is the front door: listeners, the net/http server, and the chain
// through which every request goes before a handler sees it.
//
// What is here:
//
//	listener.go   host:port, :port, unix:/path, fd://N, LISTEN_FDS; ListenError
//	handover.go   a listener that another process takes over; Leave
//	limit.go      max_connections, and no spinning when file descriptors run out
//	server.go     Server: Serve, Shutdown, Close; connection counts
//	conn.go       a client's connection: refusals, lingering behind an unread body
//	pace.go       who takes an answer too slowly, or is silent in a tunnel, is ended
//	unsent_*.go   what a client has taken
//	held.go       an answer in one call; readlimit.go: read deadlines
//	ends.go       the two ends of a connection
//	chain.go      Chain: the way of a request, outermost first
//	protocol.go   other ways in than net/http: the same limits, counts and end
//	gateway.go    what a server in front says of its client by uwsgi, and who is believed
//	health.go     /livez, /readyz, /readyz/APP: among the requests, or at an address of their own
//	limits.go     what is refused before any app is asked
//	trust.go      who counts as a proxy; fields.go: which of a proxy's fields count
//	forwarded.go  X-Forwarded-*, X-Real-IP and the like; forwarded_rfc7239.go: Forwarded
//	accesslog.go  one line per request
//
// What is not: routes, apps, workers (package bridge and bridge/route): the chain
// gets its inner http.Handler as a value. Another way in (a server of our own,
// uwsgi) has the shape Serve(net.Listener, http.Handler) and uses the same Chain.
//
// Goroutines: net/http owns one per connection and ends them at Shutdown or Close;
// Serve runs on its caller's. One timer, which runs while there are connections, looks at
// their pace. The access log's timer is the AccessLog's own.
//
// What is refused for every app goes to limits.go; what every request must carry
// goes into the RequestInfo (bridge/httpx) and is filled in chain.go.
package server
