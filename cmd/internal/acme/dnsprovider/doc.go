// Package dnsprovider sets the TXT records of DNS-01.
//
//	rfc2136.go     RFC2136: dynamic updates, signed with TSIG, for BIND, Knot, PowerDNS
//	cloudflare.go  Cloudflare: its HTTP API
//	program.go     Program: a program of the user's
//
// RFC2136 and Cloudflare are what certmagic expects of a provider (libdns), which finds the zone and
// waits for its servers. A Program does both itself. They have no state and no goroutine.
package dnsprovider
