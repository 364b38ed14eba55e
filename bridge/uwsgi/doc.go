// Package uwsgi speaks the uwsgi protocol, both ways.
//
//	packet.go     the packet: four octets, then variables; how it is read and written
//	modifier.go   what the first octet asks for, for logs
//	serve.go      Server: connections, graceful stop
//	crew.go       the goroutines of one listener
//	conn.go       one connection: one packet, one answer
//	writer.go     the answer: an HTTP/1.1 head and the raw body
//	head.go       the answer's head
//	watch.go      who notices that the peer has left
//	transport.go  Transport: an http.RoundTripper to a server that speaks uwsgi
//	answer.go     its answer, read strictly
//
// What is not here: what the variables mean (bridge/cgi), who is believed and what
// a request goes through (bridge/chain, bridge/forwarded), turns and retries among several upstreams
// (bridge/proxy). Server has the shape of other ways in, Serve(net.Listener,
// http.Handler); they meet in the command's composition.
//
// A connection carries one request. The answer ends where the connection ends, so
// an answer that is cut off must not end in a plain close: the other side would
// take it for a whole one. Over TCP it ends in a reset. A unix socket has none:
// there nginx and Apache cannot tell, which is counted and logged.
//
// Goroutines: a crew for each listener, as many as there are connections and some
// that rest, which Shutdown waits for; the watch of a connection whose handler takes
// long, which the connection's waits for; for a Transport, one that sends a request
// body while the answer is awaited, which the answer's Close waits for.
package uwsgi
