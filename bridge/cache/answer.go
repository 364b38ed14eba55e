package cache

import (
	"net/http"
	"time"

	"github.com/standpipe/standpipe/bridge/cache/rules"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// Key names what a URL, with the other parts of the key, has stored: SHA-256 of the parts, each
// with its length.
type Key [32]byte

// Answer is one stored response, a variant of its Key. It does not change once it is stored:
// freshening makes another one.
type Answer struct {
	// ID is random; it names the Answer in a Tier.
	ID [16]byte
	// Key is what it answers.
	Key Key
	// App is the app, or the route, that it belongs to.
	App string
	// URL is scheme://host/path?query, as keyed. Purges compare it.
	URL string
	// Vary is what requests must have in common with the one that it was stored for.
	Vary []rules.Selector
	// Status is its status code.
	Status int
	// Fields are its fields in their own order and spelling: without those of a connection, Age,
	// Cache-Status and Content-Length.
	Fields []httpx.Field
	// Terms say how long, and for whom, it may be used.
	Terms rules.Terms
	// Groups are its cache groups. A group belongs to an origin: scheme://host.
	Groups []string
	// Began is when the app was asked for it, by this server's clock: a purge that was known before does not
	// remove it. It is zero for one that was loaded.
	Began time.Time
	// Body is its content, which is complete.
	Body Body

	use  *use
	head *prepared // nil: it is in no memory
}

// ready completes an Answer that is to be served.
func (a *Answer) ready() {
	if a.use == nil {
		a.use = new(use)
	}
	if a.head == nil {
		a.head = prepare(a.Fields)
	}
}

// like reports whether b is a, or what validations have made of it.
func (a *Answer) like(b *Answer) bool {
	return a.ID == b.ID || a.use != nil && a.use == b.use ||
		sameSelectors(a.Vary, b.Vary) && a.Terms.ETag == b.Terms.ETag && a.Terms.LastModified == b.Terms.LastModified
}

// Header returns the fields as a Header, with canonical names.
func (a *Answer) Header() http.Header {
	h := make(http.Header, len(a.Fields))
	for _, f := range a.Fields {
		h.Add(f.Name, f.Value)
	}
	return h
}

// Staled is a after a soft purge at the time at: it is stale since then.
func (a *Answer) Staled(at time.Time) *Answer {
	b := *a
	if b.Terms.SoftPurged.IsZero() || at.Before(b.Terms.SoftPurged) {
		b.Terms.SoftPurged = at
	}
	return &b
}

// Origin is scheme://host of its URL.
func (a *Answer) Origin() string { return originOf(a.URL) }

// mostVariants is how many Answers one Key has.
const mostVariants = 32

// Set is all Answers of one Key. It is immutable.
type Set struct {
	list  []*Answer // the newest first
	stamp uint64    // of trust
}

// With returns a Set with a in it: instead of the Answer with the same Vary, and of the oldest one
// where there are too many.
func (s *Set) With(a *Answer) *Set {
	list := append(make([]*Answer, 0, 4), a)
	if s != nil {
		for _, old := range s.list {
			if !sameSelectors(old.Vary, a.Vary) && len(list) < mostVariants {
				list = append(list, old)
			}
		}
	}
	return &Set{list: list}
}

// Answers returns its Answers, the newest first; they must not be changed. A nil Set has none.
func (s *Set) Answers() []*Answer {
	if s == nil {
		return nil
	}
	return s.list
}

func sameSelectors(a, b []rules.Selector) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
