// Package certs has the certificates of this server's own names: it chooses the one for a
// client, and says how long each of them is valid.
//
//	source.go  Source, Info, Set: several sources as one
//
// Files are a Source, and automatic certificates are another one; a Set asks one after the
// other.
package certs
