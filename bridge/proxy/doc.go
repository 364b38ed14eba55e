// Package proxy hands requests on to other servers.
//
//	handler.go    Handler: one route's http.Handler; the life of one request
//	forward.go    what the upstream is told of the client
//	group.go      Group: upstreams in turn; which one is left out, and who is asked again
//	head.go       how an answer's head goes to the client: names, informational answers
//	body.go       the request body: whole before an upstream is asked, or as it comes
//	answer.go     the answer's body, and who is silent within it
//	errors.go     the only map from errors to statuses
//	transport.go  HTTP to one upstream
//
// What is not here: which requests come here (bridge/route), other protocols (an
// http.RoundTripper each, bridge/uwsgi), who the client is (bridge/forwarded). A way to
// choose among upstreams, and checks of their health, are Group's: what it asks an
// Upstream is Available.
//
// httputil.ReverseProxy does what belongs to one hop: fields that end here, upgrades
// (WebSocket), trailers, 1xx.
//
// Goroutines: those of net/http's Transport, which end with the answer, with the
// idle time of a connection, or at Close; two of ReverseProxy's for an upgraded
// connection, which end with it.
package proxy
