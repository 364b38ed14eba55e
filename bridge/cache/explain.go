package cache

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/cache/rules"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// Explanation is what a stage makes of a request before it looks for an answer.
type Explanation struct {
	// Passes is why the request passes; empty: an answer is looked for.
	Passes string
	// URL and Also are what its answer is stored for: the URL, and the names of what the request has
	// beside it.
	URL  string
	Also []string
	// Rule is the number of the rule that applies to an answer with status 200 that says nothing of
	// its lifetime, beginning with 1, and TTL its time; 0: there is none.
	Rule int
	TTL  time.Duration
	// Cookie: the request has a cookie, so that the rule stores nothing.
	Cookie bool
}

// Explain returns what a stage with these settings makes of the request that w answers.
func Explain(o StageOptions, w http.ResponseWriter, r *http.Request) Explanation {
	o.Settings.IgnoreCookies = append(slices.Clone(o.Settings.IgnoreCookies), o.Cookies...)
	s := &stage{o: o}
	q := rules.ReadRequest(r.Method, r.Header, &o.Settings)
	var e Explanation
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		e.Passes = "the method is " + r.Method
	case r.Header["Upgrade"] != nil:
		e.Passes = "it changes the protocol"
	case dropsFields(r.Header):
		e.Passes = "Connection names fields that upstreams do not get"
	case !candidate(r):
		e.Passes = "it has a body"
	case q.NoStore && !q.OnlyIfCached:
		e.Passes = "the client says no-store"
	}
	rec := httpx.Find(w)
	if rec == nil || e.Passes != "" {
		return e
	}
	e.URL = string(s.target(rec, r, nil).url)
	for name := range r.Header {
		if special[name] == override {
			e.Also = append(e.Also, name)
		}
	}
	slices.Sort(e.Also)
	for _, name := range o.Cookies {
		if len(s.appendCookies(nil, r.Header["Cookie"])) > 0 && strings.Contains(strings.Join(r.Header["Cookie"], ";"), name+"=") {
			e.Also = append(e.Also, "cookie "+name)
		}
	}
	for i := range o.Rules {
		if u := &o.Rules[i]; u.has(http.StatusOK) && u.concerns(r.URL.Path) {
			e.Rule, e.TTL, e.Cookie = i+1, u.TTL, q.Cookie && !u.IgnoreCookies
			break
		}
	}
	return e
}

// String is a sentence without a subject.
func (e *Explanation) String() string {
	if e.Passes != "" {
		return "passes: " + e.Passes
	}
	text := "is asked for " + strings.Join(append([]string{e.URL}, e.Also...), " with ")
	switch {
	case e.Rule > 0 && e.Cookie:
		text += "; rule " + strconv.Itoa(e.Rule) + " stores nothing of a request with a cookie"
	case e.Rule > 0:
		text += "; rule " + strconv.Itoa(e.Rule) + " keeps an answer that says nothing for " + e.TTL.String()
	}
	return text
}
