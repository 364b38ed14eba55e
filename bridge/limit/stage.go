package limit

import (
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Options are the settings of one limit.
type Options struct {
	// Name is its name, of [A-Za-z0-9._-].
	Name string
	// State is what it remembers.
	State *State
	// Key is what is counted; IPv6Prefix how many bits of an IPv6 address are one client.
	Key        Key
	IPv6Prefix int
	// Store counts for several servers; nil: State does for this one. FailClosed: while the Store is
	// away, requests are refused.
	Store      Store
	FailClosed bool
	// Rate bounds the requests of a time; the zero Rate: not at all.
	Rate Rate
	// Concurrency bounds those that run; 0: not at all.
	Concurrency int
	// Applies reports whether a request counts; nil: all do.
	Applies func(*http.Request) bool
	// App is the app whose stage it is. Empty: it is one of the whole site.
	App string
	// Status is that of refused requests.
	Status int
	// Announce: answers that are not refused have the fields RateLimit and RateLimit-Policy too.
	Announce bool
	// DryRun: no request is refused or waits; all is counted and logged.
	DryRun bool
	// Ban says when a client whose requests are refused is denied altogether; nil: never.
	Ban *BanOptions
	// Pages are the error pages; nil: the built-in ones.
	Pages *httpx.Pages
	// Log gets limit_exceeded; nil: no records are written.
	Log hclog.Logger
}

// Store counts the requests of several servers together, by a rate. A key holds no value in the
// clear.
type Store interface {
	// Take asks for one request. It fails while the Store is away, without a wait.
	Take(key string, r Rate) (Verdict, error)
	// GiveBack takes one request back.
	GiveBack(key string, r Rate)
	// Away reports whether it is away now.
	Away() bool
}

// New is the stage of one limit. It comes after the one that knows the client.
func New(o Options) func(http.Handler) http.Handler {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	return func(next http.Handler) http.Handler {
		return &limiter{o: o, next: next, policy: policy(&o)}
	}
}

type limiter struct {
	o      Options
	next   http.Handler
	policy string // the value of RateLimit-Policy; empty: there is no rate
}

func (l *limiter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if l.o.Applies != nil && !l.o.Applies(r) {
		l.next.ServeHTTP(w, r)
		return
	}
	rec := w.(*httpx.Writer)
	s := subject{info: &rec.Info, r: r, app: l.o.App, bits: l.o.IPv6Prefix}
	s.hash = l.o.Key.hash(l.o.State.secret, &s)
	v := Verdict{Allowed: true}
	if l.o.Rate.Count > 0 {
		reason := "rate"
		if l.o.Store == nil {
			v = l.o.State.take(s.hash, l.o.Rate)
		} else {
			v, reason = l.shared(&s)
		}
		if !v.Allowed && l.refuse(rec, &s, v, reason) || v.Wait > 0 && !l.wait(rec, &s, v) {
			return
		}
		if l.o.Announce && v.Allowed && reason == "rate" {
			l.announce(rec, v)
		}
	} else {
		l.o.State.count(s.hash, v)
	}
	if l.o.Concurrency > 0 {
		if l.o.State.flights.enter(s.hash, l.o.Concurrency) {
			defer l.o.State.flights.leave(s.hash) // whatever becomes of the request
		} else {
			l.o.State.overrule(s.hash, v)
			if l.refuse(rec, &s, Verdict{Retry: time.Second}, "concurrency") {
				return
			}
		}
	}
	l.next.ServeHTTP(rec, r)
}
