// Package maintain answers 503 while the server, or an app, is under maintenance.
//
//	list.go   List: what is under maintenance now, for whom not, and until when
//	stage.go  New: the stage that answers
//
// The package starts no goroutine: its user calls Sweep.
package maintain
