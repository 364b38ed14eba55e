// Package proxy forwards requests to other servers.
//
// Object graph: a Handler serves one route and has its upstream.Group. A request is the
// state of one HTTP request: its body, the upstream that was asked last, and what went
// wrong. httputil.ReverseProxy calls back into the request; it does what belongs to one
// hop: fields that end here, upgrades (WebSocket), trailers, 1xx.
//
// Files:
//
//	handler.go     Options and Handler: one route's http.Handler
//	request.go     request: the life of one HTTP request, its errors and its records
//	body.go        the request body: whole before an upstream is asked, or while it comes
//	attempt.go     one upstream after the other
//	retry.go       when another one may be asked
//	key.go         what an upstream is chosen by
//	forward.go     what an upstream is told of the client
//	client.go      what a PROXY header tells it of the client
//	path.go        the path that an upstream gets
//	response.go    the response of an upstream: its fields
//	pump.go        the body of a response: silence within it, and clients that are slower than the upstream
//	headwriter.go  how a response's head goes to the client: names, informational responses
//	errors.go      the only map from errors to statuses
//
// What is not here: which requests come here (bridge/route), which upstream is next and how
// it is reached (bridge/upstream), other protocols (an http.RoundTripper each,
// bridge/uwsgi), who the client is (bridge/forwarded).
//
// Goroutines: those of the transports; two of ReverseProxy's for an upgraded
// connection, which end with it; the pump of a response whose client is slow, which its timer starts, which ends when the
// upstream has ended or at stop, and which watched.Close waits for.
package proxy
