// Package route finds the handler for a request.
//
//	pattern.go    Pattern: one mount and one host pattern; Under, CanonicalHost
//	rule.go       Rule: the patterns of one app
//	router.go     Router: the apps' patterns in the order of precedence; 404 where none fits
//	routes.go     Routes: the stage of routes, in the order of the configuration
//	match.go      Match: the conditions of one route as data, and Matcher: compiled
//	condition.go  the kinds of conditions
//	value.go      Value: a pattern for the value of a field or a query parameter
//	glob.go       globs of paths
//	query.go      query: what conditions look at, worked out once for each request
//
// Precedence among apps, whatever the order of the configuration: apps that name the host
// exactly, then by the longer wildcard, then apps of any host; among equals the longest
// mount. A host that an app names is not shared with an app that does not name it, unless no
// app of that host answers for the path.
//
// Among routes the first one wins of which all conditions hold. A Matcher says which
// condition does not hold: requests and `standpipe check --explain` ask the same one.
//
// What a handler does with the request is not known here. A further kind of condition is a
// type in condition.go, a field of Match and a line in Compile. The package starts no
// goroutine.
package route
