// Package rules are the rules of an HTTP cache that many clients share: RFC 9111, and RFC 5861 (stale answers), RFC 9211
// (Cache-Status), RFC 9213 (targeted fields) and RFC 9875 (groups). All of it is pure: no I/O, no clock, no state. The
// caller stores and sends.
//
// Files:
//
//	settings.go    Settings: what the operator says
//	request.go     Request: what is read of a request
//	cookies.go     which cookies of a request count
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
// Where the RFC leaves a choice:
//
//   - The strictest reading counts. Of several max-age the lowest, a number that is none is 0, of several Expires the
//     earliest, and one that is no date means stale (4.2.1).
//   - A response whose Age is no number, stands on several lines, or is said twice is stale; of another list the first
//     member counts (5.1).
//   - What a client wants of freshness is obeyed while the app answers. When it fails, these are preferences (5.2.1).
//   - A lifetime is guessed as a tenth of the time since Last-Modified, at most a day, and only for the statuses of RFC 9110
//     15.1, or with public. An answer that says no lifetime is for requests without cookies and credentials alone, and so is a 401
//     that one without credentials has met.
//   - A response with Set-Cookie is not stored, unless the operator has named each cookie, or the app has said
//     no-cache="set-cookie". Set-Cookie2 is a field as others: no client reads it (RFC 6265 9.4).
//   - The order of members of one weight in Accept-Language and Accept-Encoding counts: frameworks take the first.
//   - A 304 answers the condition that was sent: it freshens the stored response that has those validators, and the ETag of
//     the content stays, whatever ETag it has itself (3.2, 4.3.4). Its Vary adds to the stored one, by which the content was chosen.
//
// Surrogate-Key and Cache-Tag are other names of Cache-Groups. The services that made them up take them out, as they are the
// last cache before the client. Here they are stored and sent as other fields, since a CDN in front reads them too,
// and so are targeted fields: [[app.fields]] can take them out.
//
// The package is a leaf and starts no goroutine.
package rules
