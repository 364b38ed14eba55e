// Package certs has the certificates of this server's own names: it chooses the one for a
// client, says how long each of them is valid, and reads files again when they change.
//
//	source.go       Source, Info, Set: several sources as one
//	pair.go         Pair: the files of one certificate, and what may be wrong with them
//	files.go        Files: certificates in files, a Source
//	check.go        Check: certificates that are not served yet
//	authorities.go  Authorities: the CAs that sign certificates of clients
//	tickets.go      Tickets: the keys of session tickets
//
// Files are a Source, and automatic certificates are another one; a Set asks one after the
// other.
//
// Keys are read before the process drops privileges. Afterwards it may not be able to read them
// again: so an upgrade passes them on (Keep), over a pipe and never in the environment.
//
// The package starts no goroutine: Look is called by its user.
package certs
