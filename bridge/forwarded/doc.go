// Package forwarded decides who the client is, where a proxy in front describes it.
//
//	stage.go              the stages Peer and New
//	trust.go              Trust: which peers are proxies that are believed
//	fields.go             Fields: which of a trusted proxy's fields count
//	forwarded.go          X-Forwarded-*, X-Real-IP and the like
//	values.go             lists, addresses, hosts and ports in them
//	forwarded_rfc7239.go  Forwarded
//	gateway.go            how a server in front describes its client by uwsgi
//
// The stage Peer notes whether the other end of the connection is trusted; New needs that,
// and changes the request and its RequestInfo. What does not count is removed from the request, so
// that no app reads it by mistake.
//
// A field that some proxy uses for the client's address or scheme is one word in
// bridge/cgi's AddressFields or SchemeFields. The package starts no goroutine.
package forwarded
