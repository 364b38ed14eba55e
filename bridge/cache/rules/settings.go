package rules

import (
	"strings"
	"time"
)

// Settings are what the operator says. The zero Settings are those of a plain shared cache (RFC 9111).
type Settings struct {
	// Targeted are fields that count instead of Cache-Control and Expires (RFC 9213), the first that is there wins.
	// "Surrogate-Control" is read by the rules of its own, older text.
	Targeted []string
	// IgnoreDirectives: nothing of a client's Cache-Control counts but only-if-cached and no-store.
	IgnoreDirectives bool
	// ServeStale is how long a stale answer may be served when the app gives none; 0: only as answers say.
	ServeStale time.Duration
	// SetCookie are the cookies that stored answers may set; "*" at the end of a name stands for anything.
	SetCookie []string
	// IgnoreCookies are cookies of requests that mean nothing to the app, or that are part of the key; as SetCookie.
	IgnoreCookies []string
	// Codings are the content codings that the app's answers can have, in the order of preference. Requests that would get
	// the same one share a variant. None: what clients send is compared.
	Codings []string
	// Languages are those that the app has, the first is the default. None: what clients send is compared.
	Languages []string
}

// DefaultTargeted are the targeted fields that are read when the operator says nothing.
var DefaultTargeted = []string{"Standpipe-Cache-Control", "Cdn-Cache-Control", "Surrogate-Control"}

// structuredTargeted are those of them that are structured fields.
var structuredTargeted = DefaultTargeted[:2]

// listed reports whether a list of names, of which some end in "*", has the name.
func listed(list []string, name string) bool {
	for _, p := range list {
		if prefix, ok := strings.CutSuffix(p, "*"); ok {
			if strings.HasPrefix(name, prefix) {
				return true
			}
		} else if p == name {
			return true
		}
	}
	return false
}
