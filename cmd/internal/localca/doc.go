// Package localca is a CA for the names of this machine alone (localhost, names below it, loopback addresses), with which no
// public CA deals. Each user has one, in a folder; browsers accept its certificates once it is installed (package truststore).
//
//	folder.go     Folder, Local: where the CA is kept, and which names are its own
//	authority.go  Authority: Open, Read, Restore
//	make.go       a new CA, made so that two processes share one
//	source.go     Source: certificates for handshakes
//
// The CA can issue for these names alone: its certificate says so (name constraints), so that a stolen key opens no other site.
// Certificates of servers are in memory, for a week each; a handshake that finds an old one makes another.
//
// The package starts no goroutine.
package localca
