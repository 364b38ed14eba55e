// Package exit has the program's exit codes, and the error that carries one (code.go). The
// table is also the source of docs/logs.md and of standpipe explain.
package exit
