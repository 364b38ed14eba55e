// Package compat answers command lines that were written for other servers: which of their
// flags standpipe has, and a sentence for each that it does not have.
//
//	flags.go        Flag and the tables: gunicorn.txt, others.txt
//	workerclass.go  gunicorn's -k and --worker-connections
//
// The tables are data; docs/migrating.md is generated from gunicorn.txt. The package has no
// state and no goroutine.
package compat
