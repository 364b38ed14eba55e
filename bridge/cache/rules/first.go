// Package rules is RFC 9111 without I/O and without a clock: what may be stored, for how long, and for whom.
package rules

import "time"

// Settings are what the operator says; the zero Settings mean a plain shared cache.
type Settings struct {
	// Targeted are the names of targeted fields (RFC 9213); the first that an answer has counts.
	Targeted []string
	// IgnoreDirectives: clients' directives do not count, but only-if-cached and no-store.
	IgnoreDirectives bool
	// ServeStale is how long after its end an answer is served while the app fails.
	ServeStale time.Duration
	// SetCookie are the names of the cookies that a stored answer may set.
	SetCookie []string
	// Codings and Languages are what the values of Accept-Encoding and Accept-Language are reduced to.
	Codings, Languages []string
}

// Terms say how long, and for whom, an answer may be used.
type Terms struct {
	At                   time.Time
	InitialAge, Lifetime time.Duration
}

// Selector is a field that Vary names, with the value of the request.
type Selector struct{ Name, Value string }
