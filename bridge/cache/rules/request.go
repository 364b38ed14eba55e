package rules

import (
	"net/http"
	"time"
)

// Request is what the rules need of a request. It is read once.
type Request struct {
	Method        string
	Authorization bool
	Cookie        bool // there is a cookie that Settings.IgnoreCookies does not name
	Range         bool
	Conditional   bool // there is an If- field

	NoCache      bool // an answer is wanted that the app has confirmed
	NoStore      bool
	OnlyIfCached bool
	MaxAge       time.Duration // negative: not given; likewise the others
	MinFresh     time.Duration
	MaxStale     time.Duration
	StaleIfError time.Duration
}

// ReadRequest reads a request; names in h are canonical.
func ReadRequest(method string, h http.Header, s *Settings) Request {
	q := Request{Method: method, MaxAge: none, MinFresh: none, MaxStale: none, StaleIfError: none}
	q.Authorization = h["Authorization"] != nil
	q.Range = h["Range"] != nil
	q.Conditional = h["If-None-Match"] != nil || h["If-Modified-Since"] != nil || h["If-Match"] != nil || h["If-Unmodified-Since"] != nil || h["If-Range"] != nil
	if c := h["Cookie"]; c != nil {
		q.Cookie = counted(c, s.IgnoreCookies)
	}
	lines := h["Cache-Control"]
	if lines == nil { // RFC 9111 5.4
		q.NoCache = !s.IgnoreDirectives && pragma(h["Pragma"])
		return q
	}
	for _, line := range lines {
		for line != "" {
			var d directive
			if d, line = nextDirective(line); d.name != "" {
				q.add(&d, s.IgnoreDirectives)
			}
		}
	}
	return q
}

// add takes a directive into account.
func (q *Request) add(d *directive, ignore bool) {
	switch {
	case d.is("no-store"):
		q.NoStore = true
	case d.is("only-if-cached"):
		q.OnlyIfCached = true
	case ignore:
	case d.is("no-cache"):
		q.NoCache = true
	case d.is("max-age"):
		lower(&q.MaxAge, d.seconds())
	case d.is("min-fresh"):
		if t, ok := seconds(d.value); ok && !d.bad {
			q.MinFresh = max(q.MinFresh, t)
		}
	case d.is("max-stale"):
		t := most
		if d.given || d.bad {
			t = d.seconds()
		}
		lower(&q.MaxStale, t)
	case d.is("stale-if-error"):
		lower(&q.StaleIfError, d.seconds())
	}
}

// pragma reports whether Pragma says no-cache.
func pragma(lines []string) bool {
	for _, line := range lines {
		for line != "" {
			var d directive
			if d, line = nextDirective(line); d.is("no-cache") {
				return true
			}
		}
	}
	return false
}
