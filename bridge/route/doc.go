// Package route finds the handler for a request, by host and by mount.
//
//	pattern.go  Pattern: one mount and one host pattern; Under, CanonicalHost
//	rule.go     Rule: the patterns of one handler
//	router.go   Router: the apps' patterns in the order of precedence; 404 where none fits
//	first.go    First: the stage for routes, in the order of the configuration
//
// Precedence among apps, whatever the order of the configuration: apps that name the host
// exactly, then by the longer wildcard, then apps of any host; among equals the longest
// mount. A host that an app names is not shared with an app that does not name it, unless no
// app of that host answers for the path.
//
// What a handler does with the request is not known here. A further kind of condition (a
// method, a field) is a member of Pattern and a clause of its Match. The package starts no
// goroutine.
package route
