// Package proxy forwards requests to other servers.
//
// Object graph: a Handler serves one route and has its upstream.Group. A request is the
// state of one HTTP request: its body, the upstream that was asked last, and what went
// wrong. A response is what an upstream has answered, on its way to the client. An
// httputil.ReverseProxy is not used: it copies the request, its context and the fields of
// both messages several times, a fifth of the processor time of a small response. Fields go
// through as lists, in the order and the spelling that they came in, where both sides take
// them so; the memory of a request without a body is used for the next one.
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
//	hop.go         fields that end here (RFC 9110 7.6.1), and those that an upstream gets
//	inform.go      the informational responses of an upstream
//	response.go    the response of an upstream: its fields, its body, its trailers
//	prompt.go      the body of a response that is flushed while it comes
//	tunnel.go      an upgraded connection (WebSocket)
//	pump.go        the body of a response: silence within it, and clients that are slower than the upstream
//	spans.go       what traces have of it
//	errors.go      the only map from errors to statuses
//
// What is not here: which requests come here (bridge/route), which upstream is next and how
// it is reached (bridge/upstream), other protocols (an http.RoundTripper each,
// bridge/uwsgi), who the client is (bridge/forwarded).
//
// Goroutines: those of the transports; two for an upgraded connection, which end with it and
// which tunnel waits for; the pump of a response whose client is slow, which its timer starts, which ends when the
// upstream has ended or at stop, and which watched.Close waits for.
package proxy
