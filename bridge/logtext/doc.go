// Package logtext writes foreign text into logs: it can end neither its quotes nor its line,
// cannot control a terminal, is valid UTF-8, and is bounded.
//
// Files: logtext.go, the two forms (text and JSON).
//
// The package is a leaf that imports the standard library only: the access log and the error
// log share it, so that one value looks the same in both.
package logtext
