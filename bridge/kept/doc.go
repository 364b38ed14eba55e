// Package kept reads lists that a process before this one has written, in JSON. Nothing is believed of their bytes: a file
// may be broken, and an older or newer version may have written it.
//
//	list.go  Each: the elements one by one, with bounds
//
// The package starts no goroutine.
package kept
