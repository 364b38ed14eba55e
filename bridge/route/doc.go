// Package route finds the app for a request: by host and by mount.
//
// Matcher is one app's place (a mount and host patterns); Router holds the apps'
// places in the order of precedence and answers 404 when none fits. What an app
// does with the request is not known here: it is an http.Handler.
//
// Precedence, whatever the order of the config: the longest mount first; among
// equal mounts an exact host, then the longer wildcard, then any host.
//
// The package starts no goroutine. A further kind of condition (a method, a
// field) becomes a Matcher of its own beside Place.
package route
