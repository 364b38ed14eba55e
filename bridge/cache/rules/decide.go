package rules

import (
	"net/http"
	"time"
)

// Action is what is done with a request for which an answer is stored.
type Action uint8

// The actions.
const (
	Fetch              Action = iota // ask the app; the stored answer is of no use
	Serve                            // the stored answer is the response
	ServeAndRevalidate               // likewise, and it is validated in the background
	Validate                         // ask the app whether the stored answer is valid
	Refuse                           // 504: the client wants a stored answer only (RFC 9111 5.2.1.7)
)

// Decision is what Decide returns.
type Decision struct {
	Action Action
	// Age and TTL are the stored answer's; a stale one has a negative TTL, or 0.
	Age, TTL time.Duration
	// StaleIfError: the stored answer may be served when the app's is a failure.
	StaleIfError bool
	// Fwd says why the app is asked, as Cache-Status puts it (RFC 9211 2.2): "stale", "request" or "miss".
	Fwd string
}

// Decide decides what is done with q, for which an answer with the terms t is stored and selected (RFC 9111 4).
func Decide(q *Request, t *Terms, now time.Time, s *Settings) Decision {
	d := Decision{Age: t.Age(now), TTL: t.TTL(now)}
	if !t.Explicit && !t.NoCache && (q.Cookie || q.Authorization) || t.challenges(q) {
		d.Fwd = "miss"
		return q.ask(d, Fetch)
	}
	stale := d.TTL <= 0
	switch {
	case t.NoCache:
		d.Fwd = "stale"
	case q.NoCache, q.MaxAge == 0, q.MaxAge > 0 && d.Age > q.MaxAge, q.MinFresh > 0 && d.TTL < q.MinFresh && !stale:
		d.Fwd = "request"
	case !stale:
		d.Action = Serve
		return d
	case t.MustRevalidate:
		d.Fwd = "stale"
	case q.MinFresh != none:
		d.Fwd = "stale"
	case t.SoftPurged.IsZero() && q.MaxStale != none && -d.TTL <= q.MaxStale:
		d.Action = Serve
		return d
	case -d.TTL < t.StaleWhileRevalidate, t.renewable(now):
		d.Action = ServeAndRevalidate
		return d
	default:
		d.Fwd = "stale"
	}
	d.StaleIfError = StaleOnError(q, t, http.StatusServiceUnavailable, now, s)
	if t.Validatable() {
		return q.ask(d, Validate)
	}
	return q.ask(d, Fetch)
}

// challenges reports whether the stored answer is the challenge to a request without credentials, and q has some: its client could not
// log in while the answer is fresh.
func (t *Terms) challenges(q *Request) bool {
	return t.Status == http.StatusUnauthorized && q.Authorization && !t.Authorized
}

// renewable reports whether the answer was purged softly and would be fresh without that: it may be served while the app is
// asked for the next one.
func (t *Terms) renewable(now time.Time) bool {
	return !t.SoftPurged.IsZero() && t.Age(now) < t.Lifetime
}

// ask lets d ask the app, unless the client forbids it.
func (q *Request) ask(d Decision, a Action) Decision {
	if d.Action = a; q.OnlyIfCached {
		d.Action = Refuse
	}
	return d
}

// StaleOnError reports whether the stored answer may be served instead of a response of the status, or of none at all (0)
// (RFC 5861 4, RFC 9111 4.2.4). What a client wants of freshness is only its preference (RFC 9111 5.2.1), and does not count.
func StaleOnError(q *Request, t *Terms, status int, now time.Time, s *Settings) bool {
	switch status {
	case 0, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
	default:
		return false
	}
	if t.NoCache || !t.Explicit && (q.Cookie || q.Authorization) || t.challenges(q) {
		return false
	}
	stale := -t.TTL(now)
	if stale < 0 {
		return true
	}
	if t.MustRevalidate || t.StaleIfError < 0 {
		return false
	}
	if t.renewable(now) {
		return true
	}
	return stale <= max(t.StaleIfError, q.StaleIfError, s.ServeStale)
}
