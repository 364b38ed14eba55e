// Package chain has the stages that every request goes through, whatever it asks for: they
// are about the server itself. A stage is func(next http.Handler) http.Handler; the page
// that lists the stages of a site in order is cmd/internal/compose/site.go.
//
//	done.go    Done: the access log and the metrics, when the answer is out; Observer, Refused
//	panics.go  Panics: a panic becomes 500 or an aborted answer
//	fields.go  ID, ServerField: what every request and answer carries
//	path.go    Path: no dot segments
//	health.go  Health: /livez, /readyz, /readyz/APP; HealthHandler: at an address of their own
//	https.go   HSTS, RedirectHTTPS
//	hosts.go   Hosts: 421 for hosts of other addresses
//	tracing.go Trace: the trace of a request; ServerTiming, RequestStart
//	limits.go  Limits: what is refused before any app is asked
//	hold.go    Hold: requests wait while the code of their app changes (development)
//
// A stage gets a *httpx.Writer, which the way in has made, and nothing else from a way in:
// connections, protocols and their repairs are not known here. A stage never imports
// another one. They tell each other what they found in httpx.RequestInfo; a stage that needs a value comes after the
// one that sets it in the list.
//
// A stage that aborts an answer calls Writer.Abort and returns. A stage that does something
// after next has returned (Done, Limits, compress) does it in that case too.
//
// A new stage is a file here with one constructor, when it is about the server itself; a
// package of its own (forwarded, compress, route), when it has types of its own. Either way
// it is one line in site.go. A value that several stages need is a field of RequestInfo.
//
// The package starts no goroutine.
package chain
