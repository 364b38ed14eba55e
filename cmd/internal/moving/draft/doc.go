// Package draft is a standpipe.toml that is made of another server's configuration: tables and keys, each with the line that
// it comes from, and sentences about the lines that have no equivalent.
//
//	draft.go  Draft, Table: what is collected
//	write.go  how it is written
//	paths.go  relative paths of another program
//
// The package knows no setting of standpipe; an importer names keys and headings. There is no goroutine.
package draft
