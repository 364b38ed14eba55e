package cache

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/cache/rules"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// StageOptions are the settings of one app's or route's stage.
type StageOptions struct {
	// App is the name of the app, or of the route, in counters and logs. Answers of one are never
	// those of another one.
	App string
	// Route: it is a route's. Records of its requests name no app.
	Route bool
	// Conditions are what tells apart routes of one place; part of the key.
	Conditions string
	// Settings are those of the rules.
	Settings rules.Settings
	// Rules give a lifetime to answers that say nothing of theirs. The first that applies counts.
	Rules []Rule
	// Missing is the lifetime of a 404 or 410 that says nothing of it; 0: that of the other rules.
	Missing time.Duration
	// IgnoreQuery are parameters of the query that are not part of the key; a * at the end stands
	// for any characters. The app does not see them.
	IgnoreQuery []string
	// Cookies are the names of those that are part of the key.
	Cookies []string
	// Pages are the error pages; nil: the built-in ones.
	Pages *httpx.Pages
}

// Rule is the lifetime of some answers that say nothing of it.
type Rule struct {
	// Path reports whether it is for a path; nil: it is for all.
	Path func(path string) bool
	// Statuses are the status codes of these answers; none: 200.
	Statuses []int
	// TTL is the lifetime.
	TTL time.Duration
	// IgnoreCookies: requests with cookies share these answers, too.
	IgnoreCookies bool
}

func (u *Rule) concerns(path string) bool { return u.Path == nil || u.Path(path) }

func (u *Rule) has(status int) bool {
	if len(u.Statuses) == 0 {
		return status == http.StatusOK
	}
	return slices.Contains(u.Statuses, status)
}

// Stage is the stage of one app or route. It is cheap to make.
func (c *Cache) Stage(o StageOptions) func(next http.Handler) http.Handler {
	o.Settings.IgnoreCookies = append(slices.Clone(o.Settings.IgnoreCookies), o.Cookies...)
	return func(next http.Handler) http.Handler {
		return &stage{c: c, o: o, next: next, numbers: c.counters.of(o.App)}
	}
}

// app is the app that answers the requests of the stage; empty: it is a route's.
func (s *stage) app() string {
	if s.o.Route {
		return ""
	}
	return s.o.App
}

type stage struct {
	c       *Cache
	o       StageOptions
	next    http.Handler
	numbers *numbers
}

// ServeHTTP answers requests of which the answer can be stored, and passes all others.
func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := httpx.Find(w)
	if rec == nil { // used without the chain
		rec = new(httpx.Writer)
		rec.Reset(w)
	}
	if !candidate(r) {
		s.change(rec, r)
		return
	}
	now := time.Now()
	rq := requests.Get().(*request)
	*rq = request{s: s, w: rec, r: r, came: now, now: now}
	defer rq.end()
	rq.serve()
}

// candidate reports whether the answer to r can be a stored one: r has no body, stays HTTP, and reaches the app as it came.
func candidate(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	return r.ContentLength == 0 && len(r.TransferEncoding) == 0 && r.Header["Upgrade"] == nil && !dropsFields(r.Header)
}

// dropsFields reports whether Connection names fields of the request that have a meaning behind the connection: upstreams do not get
// them (RFC 9110 7.6.1), and their answer is not one for requests that have the fields in earnest.
func dropsFields(h http.Header) bool {
	for _, line := range h["Connection"] {
		if line == "keep-alive" || line == "close" { // nearly every request
			continue
		}
		for name := range strings.SplitSeq(line, ",") {
			switch name = textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name)); name {
			case "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Http2-Settings": // they end here in any case
			default:
				if h[name] != nil {
					return true
				}
			}
		}
	}
	return false
}

// read reads whether, and for how long, the response to a request with these fields may be stored.
func (s *stage) read(q *rules.Request, status int, h, asked http.Header, path string, sent, received time.Time) (terms rules.Terms, chosen []rules.Selector, ok bool) {
	one := *q
	ttl := time.Duration(0)
	if u := s.rule(path, status); u != nil {
		ttl = u.TTL
		one.Cookie = one.Cookie && !u.IgnoreCookies
	}
	if ttl == 0 && (status == http.StatusNotFound || status == http.StatusGone) {
		ttl = s.o.Missing
	}
	terms = rules.Read(&one, status, h, sent, received, ttl, &s.o.Settings)
	if !terms.Storable {
		return terms, nil, false
	}
	chosen, all := rules.Selectors(h, asked, &s.o.Settings)
	return terms, chosen, !all
}

// rule is the one that applies to the answers of a path with that status; nil: there is none.
func (s *stage) rule(path string, status int) *Rule {
	for i := range s.o.Rules {
		if u := &s.o.Rules[i]; u.has(status) && u.concerns(path) {
			return u
		}
	}
	return nil
}

// ignoresCookies reports whether requests for a path share answers of that status whatever cookies they have; 0: of some status.
func (s *stage) ignoresCookies(path string, status int) bool {
	if status != 0 {
		u := s.rule(path, status)
		return u != nil && u.IgnoreCookies
	}
	for i := range s.o.Rules {
		if u := &s.o.Rules[i]; u.IgnoreCookies && u.concerns(path) {
			return true
		}
	}
	return false
}
