// Package rules are the rules of an HTTP cache that many clients share: RFC 9111, and RFC 5861 (stale answers), RFC 9211
// (Cache-Status), RFC 9213 (targeted fields) and RFC 9875 (groups). All of it is pure: no I/O, no clock, no state. The
// caller stores and sends.
//
// Files:
//
//	settings.go    Settings: what the operator says
//	request.go     Request: what is read of a request
//	directives.go  Cache-Control by its grammar
//	structured.go  structured fields (RFC 9651)
//	targeted.go    targeted fields: CDN-Cache-Control, Surrogate-Control
//	date.go        dates and Age
//	terms.go       Terms: what is read of a response; whether it is stored
//	decide.go      Decide: what is done with a request for which an answer is stored
//	vary.go        Selector: Vary and the normal forms of fields
//	accept.go      Accept-Language and its relatives
//	fields.go      which fields are stored; freshening
//	invalidate.go  what an unsafe method invalidates
//	groups.go      groups of answers
//	status.go      Cache-Status
//
// Where the RFC leaves a choice, the strictest reading counts: of several max-age the lowest, a number that is none is 0,
// of several Expires the earliest, and a response whose Age cannot be read is stale.
//
// Surrogate-Key and Cache-Tag are other names of Cache-Groups. They are stored and sent as other fields, because a CDN
// in front of the server reads them too; services that are the last cache take them out. So do targeted fields.
//
// The package is a leaf and starts no goroutine.
package rules
