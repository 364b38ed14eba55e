// Package rewrite changes the path of requests for what comes behind, within one route.
//
//	rule.go   Rule: a prefix removed, added or replaced, or a whole template; compiled
//	stage.go  Stage: it gives the changed request to next; Original
//
// The path is put together in its encoded form, so that an encoded slash stays one, and normalised again. What leaves the
// fixed beginning of the rule then is refused. The package starts no goroutine.
package rewrite
