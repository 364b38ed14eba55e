// Package logtext writes foreign text into logs: such text can neither close its quotes nor begin a line,
// cannot control a terminal, is valid UTF-8, and is bounded.
//
// Files: logtext.go, the two forms (text and JSON).
//
// The package is a leaf that imports the standard library only: the access log and the error
// log share it, so that one value looks the same in both.
package logtext
