// Package httpx holds what every HTTP room of standpipe needs and what has no
// policy of its own: the one ResponseWriter wrapper with the RequestInfo of a request,
// how slow a client may be (pace.go, bodyread.go), how a connection lingers
// whose request body was not read (linger.go), the plain error pages, what goes wrong while a body is read, ranges and validators, content codings and lists of types, which texts are UTF-8 (charset.go), request ids, the one spelling of a path (path.go), the usual spelling of field names (spell.go), and the brake on log lines that would repeat.
//
// It is a leaf: it imports the standard library, x/sys and shim's plain types only,
// and every package under bridge may import it. It starts no goroutine.
//
// A new thing goes here when two HTTP rooms need it and it decides nothing.
// What decides (limits, trust, statuses) lives in bridge, bridge/chain and bridge/forwarded.
package httpx
