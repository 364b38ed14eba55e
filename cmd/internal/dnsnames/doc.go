// Package dnsnames looks up names of upstreams, and says for how long the answer counts.
//
//	resolver.go  Resolver: addresses (A, AAAA, the hosts file) and services (SRV), by Go's own resolver
//	ttl.go       what the answers of the DNS servers say about their time
//
// The standard library's resolver knows the hosts file, search domains and the servers of resolv.conf, and keeps the time
// of its answers to itself. So its connections are watched: the shortest time of all records that it has read counts.
//
// No goroutines of its own; nothing global that changes.
package dnsnames
