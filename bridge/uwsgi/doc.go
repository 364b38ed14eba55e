// Package uwsgi speaks the uwsgi protocol, both ways.
//
// Object graph:
//
//	Server -> acceptors -> conn -> writer   the way in
//	Transport -> exchange                   the way out
//
// Files:
//
//	packet.go     the packet: four bytes, then variables; how it is read and written
//	modifier.go   what the first byte asks for, for logs
//	serve.go      Server: connections, graceful stop
//	acceptors.go  the goroutines of one listener
//	conn.go       one connection: one packet, one response
//	writer.go     the response: an HTTP/1.1 head and the raw body
//	head.go       the response's head
//	transport.go  Transport: an http.RoundTripper to a server that speaks uwsgi
//	response.go   its response, read strictly
//
// What is not here: what the variables mean (bridge/cgi), who is trusted
// (bridge/forwarded) and what a request goes through (bridge/chain), retries among several
// upstreams (bridge/proxy). Server has the shape of other ways in, Serve(net.Listener); they
// meet in cmd/internal/compose.
//
// A connection carries one request. The response ends where the connection ends, so a
// response that is cut off must not end in a plain close: the other side would take it for
// complete. Over TCP it ends in a reset. A unix socket has none: there nginx and Apache
// cannot tell, which is counted and logged.
//
// Goroutines: the acceptors of each listener, as many as there are connections and some idle
// ones, which Shutdown waits for; for a Transport, one that sends a request body while the
// response is awaited, which the response's Close waits for (upstream.Call). A listen.Group tells a conn that
// its peer has disconnected.
package uwsgi
