// Package terminal writes text for people: colours where they are wanted, and the words for
// apps and routes that several commands and the start banner share.
//
//	paint.go  Paint: colours, and when a terminal gets them
//	words.go  where an app and a route are mounted, how an app was found, short paths
//
// It has no state and no goroutine.
package terminal
