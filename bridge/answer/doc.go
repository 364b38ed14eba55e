// Package answer has the handlers that answer by themselves, whatever the request is.
//
//	redirect.go  Redirect: another URL
//	fixed.go     Fixed: a status, and perhaps a text
//
// The package starts no goroutine.
package answer
