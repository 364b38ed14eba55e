// Package logtext writes foreign text into logs: a field can end neither its quotes
// nor its line, cannot steer a terminal, is valid UTF-8, and has a bound.
//
// Files: logtext.go, the two forms (text and JSON). It is a leaf: the access log and
// the error log share it, so that one value looks the same in both.
package logtext
