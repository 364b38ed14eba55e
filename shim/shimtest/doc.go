// Package shimtest is a worker in Go: it speaks the worker's side of the protocol, in
// memory over net.Pipe, or in a helper process over its stdin and stdout. Tests use it
// where a real python3 cannot be made to fail on cue.
//
//	peer.go    Peer: the worker
//	credit.go  what a Peer may send of its answers' bodies
//	answer.go  reads the answer of an Exchange: Head, Body
package shimtest
