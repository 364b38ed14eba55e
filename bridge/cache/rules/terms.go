package rules

import (
	"net/http"
	"net/textproto"
	"strings"
	"time"
)

// Terms are what the rules need of a stored response. They are computed once, when it arrives.
type Terms struct {
	Storable bool
	Why      string // a word on why it is not storable, for Cache-Status and records

	Status     int
	At         time.Time     // when it was received
	Date       time.Time     // when it was generated: its Date, or At
	InitialAge time.Duration // its age at At
	Lifetime   time.Duration // it is fresh while its age is lower
	Explicit   bool          // it says its lifetime itself
	Heuristic  bool          // the lifetime is a guess by Last-Modified

	NoCache              bool // it is validated before each use
	MustRevalidate       bool // it is never served stale
	Authorized           bool // the request had Authorization; so the answer allows that it is stored
	StaleWhileRevalidate time.Duration
	StaleIfError         time.Duration // negative: the answer forbids it

	ETag         string // as sent; empty: none
	LastModified string // as sent; empty: none, or no date

	SoftPurged time.Time // when it was purged softly, which makes it stale; zero: it was not
}

// maxHeuristic bounds the guess of a lifetime.
const maxHeuristic = 24 * time.Hour

// Read computes the terms of a response to q that was asked for at sent and has come at received; names in h are canonical.
// fallback is the lifetime that the operator gives to an answer that says none; 0: none, then a lifetime may
// be guessed (RFC 9111 4.2.2).
func Read(q *Request, status int, h http.Header, sent, received time.Time, fallback time.Duration, s *Settings) Terms {
	t := Terms{Status: status, At: received, Date: received, ETag: textproto.TrimString(first(h["Etag"])), Authorized: q.Authorization}
	c, targeted := governing(h, s)
	if at, ok := earliest(h["Date"], received); ok {
		t.Date = at
	}
	modified, ok := date(first(h["Last-Modified"]), received)
	if ok {
		t.LastModified = textproto.TrimString(h["Last-Modified"][0])
	}
	t.NoCache = c.noCache
	t.MustRevalidate = c.mustRevalidate || c.proxyRevalidate || c.sMaxAge != none
	t.StaleWhileRevalidate = max(c.whileRevalidate, 0)
	if t.StaleIfError = max(c.ifError, 0); c.ifError == 0 {
		t.StaleIfError = none
	}

	// RFC 9111 4.2.3. The apparent age is counted in whole seconds, as Date has no parts of them.
	given, valid := age(h["Age"])
	apparent := max(0, received.Truncate(time.Second).Sub(t.Date))
	t.InitialAge = min(most, max(apparent, given+max(0, received.Sub(sent))))

	switch { // RFC 9111 4.2.1
	case c.sMaxAge != none:
		t.Lifetime, t.Explicit = c.sMaxAge, true
	case c.maxAge != none:
		t.Lifetime, t.Explicit = c.maxAge, true
	case !targeted && h["Expires"] != nil:
		t.Explicit = true
		if at, ok := earliest(h["Expires"], received); ok {
			t.Lifetime = min(most, max(0, at.Sub(t.Date)))
		}
	case c.noCache:
	case fallback > 0:
		t.Lifetime = fallback
	case !modified.IsZero() && (c.public || heuristicallyCacheable(status)): // RFC 9111 4.2.2
		if t.Lifetime = min(maxHeuristic, max(0, t.Date.Sub(modified)/10)); t.Lifetime > 0 {
			t.Heuristic = true
		}
	}
	if !valid {
		t.Lifetime = 0
	}
	t.Why = t.refuse(q, h, &c, s)
	t.Storable = t.Why == ""
	return t
}

// first is the first of lines.
func first(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[0]
}

// refuse says why a response is not stored (RFC 9111 3); empty: it may be.
func (t *Terms) refuse(q *Request, h http.Header, c *control, s *Settings) string {
	switch {
	case q.Method != http.MethodGet:
		return "method"
	case !storableStatus(t.Status):
		return "status"
	case q.NoStore:
		return "request-no-store"
	case c.understand && !understood(t.Status):
		return "must-understand"
	case c.noStore && !c.understand:
		return "no-store"
	case c.private:
		return "private"
	case q.Authorization && !(c.public || c.mustRevalidate || c.sMaxAge != none): // RFC 9111 3.5
		return "authorization"
	case varyAll(h["Vary"]):
		return "vary"
	case crowded(h):
		return "groups"
	case !settable(h["Set-Cookie"], s.SetCookie) && !setCookieWithheld(h):
		return "set-cookie"
	case !t.Explicit:
		return t.refuseGuess(q, c, s)
	}
	return t.refuseUseless(s)
}

// refuseGuess says why a response that says no lifetime is not stored.
func (t *Terms) refuseGuess(q *Request, c *control, s *Settings) string {
	switch {
	case !c.noCache && t.Lifetime == 0:
		return "no-freshness"
	case q.Authorization:
		return "authorization"
	case q.Cookie:
		return "cookie"
	}
	return t.refuseUseless(s)
}

// refuseUseless says why a response that may be stored would be of no use.
func (t *Terms) refuseUseless(s *Settings) string {
	if (t.Lifetime <= t.InitialAge || t.NoCache) && !t.Validatable() && !(t.staleFor(s) > 0) {
		return "stale"
	}
	return ""
}

// staleFor is how long the answer may be of use after its lifetime.
func (t *Terms) staleFor(s *Settings) time.Duration {
	if t.MustRevalidate || t.NoCache {
		return 0
	}
	if t.StaleIfError < 0 {
		return t.StaleWhileRevalidate
	}
	return max(t.StaleWhileRevalidate, t.StaleIfError, s.ServeStale)
}

// Validatable reports whether the app can be asked if the answer is still valid (RFC 9111 4.3.1).
func (t *Terms) Validatable() bool { return t.ETag != "" || t.LastModified != "" }

// Age is the answer's age at now (RFC 9111 4.2.3).
func (t *Terms) Age(now time.Time) time.Duration {
	return t.InitialAge + min(most, max(0, now.Sub(t.At)))
}

// TTL is how long the answer stays fresh after now; 0 or negative: it is stale, since when.
func (t *Terms) TTL(now time.Time) time.Duration {
	life := t.Lifetime
	if !t.SoftPurged.IsZero() {
		life = min(life, t.Age(t.SoftPurged))
	}
	return life - t.Age(now)
}

// governing returns what counts of a response: the first targeted field that is valid, or Cache-Control.
func governing(h http.Header, s *Settings) (c control, targeted bool) {
	for _, name := range s.Targeted {
		name = textproto.CanonicalMIMEHeaderKey(name)
		lines := h[name]
		if lines == nil {
			continue
		}
		if name == "Surrogate-Control" {
			c, targeted = surrogate(lines)
		} else {
			c, targeted = dictionary(lines)
		}
		if targeted {
			return c, true
		}
	}
	c = nothing()
	for d := range directives(h["Cache-Control"]) {
		c.add(&d)
	}
	return c, false
}

// heuristicallyCacheable are the statuses of RFC 9110 15.1, without the partial one.
func heuristicallyCacheable(status int) bool {
	switch status {
	case 200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501:
		return true
	}
	return false
}

// storableStatus reports whether responses of a status are stored at all. The answers 304, 412 and 416 are about the
// conditions and ranges of one request, 206 is a part, and RFC 6585 forbids to store 428, 429, 431 and 511. The rest of
// them are about fields that the next request does not have: one odd request would have all others refused.
func storableStatus(status int) bool {
	switch status {
	case 206, 304, 406, 408, 411, 412, 413, 415, 416, 417, 421, 426, 428, 429, 431, 511:
		return false
	}
	return status >= 200 && status < 600
}

// understood are the final statuses whose caching rules are known (RFC 9110 15, RFC 9111 3).
func understood(status int) bool {
	switch {
	case status >= 200 && status <= 205, status >= 300 && status <= 303, status >= 307 && status <= 308,
		status >= 400 && status <= 417, status >= 421 && status <= 422, status == 426, status == 451, status >= 500 && status <= 505:
		return true
	}
	return false
}

// setCookieWithheld reports whether the app says that Set-Cookie is not stored with the rest: no-cache="set-cookie".
func setCookieWithheld(h http.Header) bool {
	w := WithheldOf(h)
	return w.Has("Set-Cookie")
}

// settable reports whether a stored response may set the cookies of Set-Cookie lines.
func settable(lines, allowed []string) bool {
	for _, line := range lines {
		pair, _, _ := strings.Cut(line, ";")
		name, _, ok := strings.Cut(pair, "=")
		if name = textproto.TrimString(name); !ok || name == "" || !listed(allowed, name) {
			return false
		}
	}
	return true
}
