// Package acme obtains certificates from CAs that speak ACME (RFC 8555), and renews them. The protocol, the choice between
// challenges and the schedule of renewals are certmagic's; here is what a server needs around it.
//
//	manager.go   Options, Manager: New, Start, Stop; certificates for handshakes; answers to HTTP-01
//	names.go     one name: obtain, try again, renew at once
//	issuers.go   Authority: the CAs, which are tried in order
//	brief.go     certificates that are valid for hours or minutes
//	explain.go   which setting an error of a CA is about
//	ondemand.go  Demand: which other names may have certificates, and how many
//	denials.go   names that were denied a short time ago
//	dns.go       DNS: the ways to solve DNS-01; package dnsprovider has the providers
//	storage.go   OpenFolder: the storage in a folder; package redisstore is the other one
//	state.go     the failures of a name, kept in the storage
//	list.go      List: what the storage has, for people
//	events.go    certmagic's events become records of the log
//	zaplog.go    certmagic's log becomes the server's
//
// A Manager has certmagic's cache, and configurations that share it: one for the names of the settings, one for names on demand.
// The storage is shared with other processes: its locks see to it that one of them asks the CA, and each of them answers the
// challenges of all.
//
// Goroutines: one for each name until it has a certificate, and one that attends to brief certificates; Stop ends them and waits.
// The cache has one that renews, which Stop ends and waits for; certmagic starts others, which end with it.
package acme
