// Package route finds the app for a request: by host and by mount.
//
// Matcher is one app's place (a mount and host patterns); Router holds the apps'
// places in the order of precedence and answers 404 when none fits. What an app
// does with the request is not known here: it is an http.Handler.
//
// Precedence, whatever the order of the config: apps that name the host exactly,
// then by the longer wildcard, then apps of any host; among equals the longest
// mount. A host that somebody has named is not shared with an app that did not
// name it, unless nothing there takes the path.
//
// The package starts no goroutine. A further kind of condition (a method, a
// field) becomes a Matcher of its own beside Place.
package route
