package cache_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// model is RFC 9111 as a judge. It knows each answer that the origin gave, and says of a response that a client gets
// whether a shared cache may give it. It decides nothing itself, and has no code in common with package rules: it was
// written from the RFC, whose sections the comments name.
type model struct {
	serveStale time.Duration // what the operator allows while the origin fails

	mu      sync.Mutex
	answers map[int]*answered // by their serial number
	failed  []event           // answers that are none: 5xx, or broken off
	changed []event           // unsafe requests that have succeeded
}

// answered is one answer of the origin.
type answered struct {
	serial         int
	path, method   string
	request        http.Header // as the origin got it
	status         int
	header         http.Header // as 304 answers have freshened it
	sent, received time.Time   // when the origin got the request, and when it began to answer
	validated      time.Time   // of the last 304; zero: none
	confirmedFor   []string    // the requests that a 304 has answered
	invalid        time.Time   // an unsafe request succeeded; zero: none did
	stored         bool        // the cache has said so
	whole          bool        // its body has ended as it should
	client         string      // whom it was made for
	private        bool        // and for no other client
	ended          time.Time   // when its body had come; zero: it has not
	before         *answered   // what it was before the last 304
	until          time.Time   // when that came
	apart          bool        // it was for a client with credentials: the others may have what was before
}

// event is something that has happened at a path.
type event struct {
	path string
	at   time.Time
}

// reading is a response as a client has read it.
type reading struct {
	method, path string
	request      http.Header
	began, head  time.Time // when the client asked, and when it got the head
	status       int
	header       http.Header
	serial       int
}

// directives of a Cache-Control field: "" as the value of those without one.
func directives(h http.Header) map[string]string {
	all := map[string]string{}
	for _, part := range strings.Split(strings.Join(h.Values("Cache-Control"), ","), ",") {
		if name, value, _ := strings.Cut(strings.TrimSpace(part), "="); name != "" {
			all[strings.ToLower(name)] = value
		}
	}
	return all
}

func has(all map[string]string, names ...string) bool {
	for _, name := range names {
		if _, ok := all[name]; ok {
			return true
		}
	}
	return false
}

// seconds is a directive's delta-seconds (1.2.2); ok: it is there.
func seconds(all map[string]string, name string) (d time.Duration, ok bool) {
	value, ok := all[name]
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(value)
	return time.Duration(n) * time.Second, err == nil
}

func date(h http.Header, name string, otherwise time.Time) time.Time {
	if t, err := http.ParseTime(h.Get(name)); err == nil {
		return t
	}
	return otherwise
}

// heuristic are the statuses for which a cache may guess (RFC 9110 15.1).
var heuristic = map[int]bool{200: true, 203: true, 204: true, 300: true, 301: true, 308: true, 404: true, 405: true, 410: true, 414: true, 501: true}

// lifetime is freshness_lifetime (4.2.1); explicit: the origin says it.
func (a *answered) lifetime() (d time.Duration, explicit bool) {
	all := directives(a.header)
	if d, ok := seconds(all, "s-maxage"); ok {
		return d, true
	}
	if d, ok := seconds(all, "max-age"); ok {
		return d, true
	}
	made := date(a.header, "Date", a.received)
	if a.header.Get("Expires") != "" {
		return max(date(a.header, "Expires", made).Sub(made), 0), true // an invalid one is in the past (5.3)
	}
	if modified := date(a.header, "Last-Modified", made); heuristic[a.status] || has(all, "public") {
		return made.Sub(modified) / 10, false // 4.2.2
	}
	return 0, false
}

// age is current_age (4.2.3).
func (a *answered) age(now time.Time) time.Duration {
	said, _ := strconv.Atoi(a.header.Get("Age"))
	apparent := max(a.received.Sub(date(a.header, "Date", a.received)), 0)
	corrected := time.Duration(said)*time.Second + a.received.Sub(a.sent)
	return max(apparent, corrected) + now.Sub(a.received)
}

// storable (3).
func (a *answered) storable() string {
	all := directives(a.header)
	_, explicit := a.lifetime()
	switch {
	case a.method != http.MethodGet:
		return "answers " + a.method
	case !a.whole:
		return "is not whole"
	case a.status == http.StatusPartialContent || a.status == http.StatusNotModified:
		return "is a part"
	case has(all, "no-store") || has(directives(a.request), "no-store"):
		return "no-store"
	case has(all, "private"):
		return "private"
	case a.header.Get("Set-Cookie") != "":
		return "sets a cookie"
	case a.request.Get("Authorization") != "" && !has(all, "public", "s-maxage", "must-revalidate"): // 3.5
		return "answers an authorized request"
	case !explicit && !has(all, "public") && !heuristic[a.status]:
		return fmt.Sprintf("nothing allows to store a %d", a.status)
	}
	return ""
}

// selected: the fields that Vary names have the same values (4.1).
func (a *answered) selected(request http.Header) bool {
	for _, name := range strings.Split(strings.Join(a.header.Values("Vary"), ","), ",") {
		name = strings.TrimSpace(name)
		if name == "*" || name != "" && strings.Join(a.request.Values(name), ",") != strings.Join(request.Values(name), ",") {
			return false
		}
	}
	return true
}

// slack is by how much ages in whole seconds, of dates in whole seconds, may be wrong.
const slack = time.Second

// refuse says why a cache must not answer r with a; "": it may. is a, or what a was before, which the client may have. A response that
// the origin made for r itself is no reuse.
func (m *model) refuse(r *reading, a *answered) (why string, is *answered) {
	if a == nil {
		return "the origin has made no such answer", nil
	}
	why, is = m.refuseThis(r, a), a
	// Before, if it has changed while the client waited, or twice at one time.
	for old := a.before; old != nil && why != "" && (!old.until.Before(r.began) || old.received.Equal(a.received) || a.apart); old = old.before {
		why, is = m.refuseThis(r, old), old
	}
	return why, is
}

// history is what an answer was, the newest first, and why each state of it must not be given.
func (m *model) history(r *reading, a *answered) string {
	var b strings.Builder
	for ; a != nil; a = a.before {
		why := m.refuseThis(r, a)
		fmt.Fprintf(&b, "\n%q: %+v", why, *a)
	}
	return b.String()
}

func (m *model) refuseThis(r *reading, a *answered) string {
	asks, says := directives(r.request), directives(a.header)
	if why := a.storable(); why != "" {
		return why
	}
	if r.method != http.MethodGet && r.method != http.MethodHead || r.path != a.path {
		return "is for another request"
	}
	if !a.selected(r.request) {
		return "Vary"
	}
	if !a.validated.IsZero() && !a.validated.Before(r.began) {
		return "" // it was validated while the client waited (4.3)
	}
	age := a.age(r.head)
	lifetime, _ := a.lifetime()
	switch {
	case !a.invalid.IsZero() && a.invalid.Before(r.began):
		return "is invalidated" // 4.4
	case has(says, "no-cache"):
		return "no-cache of the origin" // 5.2.2.4
	case age-slack >= lifetime:
		return m.stale(r, a, age-slack-lifetime)
	case !a.received.Before(r.began) || m.hasFailed(r):
		return "" // the client asks for what is new (5.2.1), and gets what there is
	case has(asks, "no-cache") || len(asks) == 0 && r.request.Get("Pragma") == "no-cache":
		return "no-cache of the client" // 5.2.1.4
	}
	if most, ok := seconds(asks, "max-age"); ok && age-slack > most && !has(asks, "max-stale") {
		return "max-age of the client" // 5.2.1.1
	}
	if least, ok := seconds(asks, "min-fresh"); ok && lifetime-age+slack < least {
		return "min-fresh of the client" // 5.2.1.3
	}
	return ""
}

// remembered is how long a cache may take an origin that has failed for one that fails.
const remembered = time.Second

// hasFailed: the origin did while the client waited, or just before.
func (m *model) hasFailed(r *reading) bool {
	for _, f := range m.failed {
		if f.path == r.path && !f.at.Before(r.began.Add(-remembered)) && !f.at.After(r.head) {
			return true
		}
	}
	return false
}

// stale says why an answer that has been stale for so long must not be given (4.2.4, RFC 5861).
func (m *model) stale(r *reading, a *answered, since time.Duration) string {
	asks, says := directives(r.request), directives(a.header)
	if has(says, "must-revalidate", "proxy-revalidate", "s-maxage") {
		return "stale, and must be validated"
	}
	if most, ok := seconds(asks, "max-stale"); has(asks, "max-stale") && (!ok || since <= most) {
		return ""
	}
	if most, ok := seconds(says, "stale-while-revalidate"); ok && since <= most {
		return ""
	}
	most, _ := seconds(says, "stale-if-error")
	if most = max(most, m.serveStale); since <= most && m.hasFailed(r) {
		return ""
	}
	return "stale"
}

// judge says what is wrong with a response; reused: it was made for another request. could: a stored answer was there to be reused.
func (m *model) judge(r *reading) (wrong string, reused, could bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.answers {
		if why, _ := m.refuse(r, a); why == "" && a.received.Before(r.began) {
			could = true
			break
		}
	}
	if has(directives(r.request), "only-if-cached") && r.status == http.StatusGatewayTimeout && r.serial == 0 {
		return "", false, could // 5.2.1.7
	}
	a, id := m.answers[r.serial], r.request.Get("X-Request")
	if a != nil && strings.Contains(r.header.Get("Cache-Status"), "stored") {
		a.stored = true
	}
	if a != nil && slices.Contains(a.confirmedFor, id) {
		return "", true, could
	}
	if a != nil && a.request.Get("X-Request") == id && (a.method == r.method || r.method == http.MethodHead) {
		if has(directives(r.request), "only-if-cached") && r.method != http.MethodPost {
			return "only-if-cached was forwarded", false, could
		}
		return "", false, could
	}
	if r.serial == 0 && r.status >= 500 { // the cache's own: the origin has broken off
		for _, f := range m.failed {
			if f.path == r.path && !f.at.Before(r.began) {
				return "", false, could
			}
		}
		return "an error, and the origin has not failed", false, could
	}
	why, a := m.refuse(r, a)
	if why != "" {
		return why, true, could
	}
	// A newer one with the same selecting fields counts (4).
	for _, other := range m.answers {
		if other.stored && other.validated.IsZero() && !m.overtaken(other) && other.path == a.path && other.received.After(a.received) && !other.ended.IsZero() && other.ended.Before(r.began) && other.received.Truncate(time.Second).After(a.received) &&
			other.status < 500 && other.header.Get("Vary") == a.header.Get("Vary") && a.validated.Before(other.received) {
			if why, _ := m.refuse(r, other); why != "" {
				continue
			}
			return fmt.Sprintf("answer %d is newer", other.serial), true, could
		}
	}
	if r.head.Equal(a.received) {
		return "", true, could // it was passed on while it came
	}
	if said, err := strconv.Atoi(r.header.Get("Age")); err != nil || (time.Duration(said)*time.Second-a.age(r.head)).Abs() >= 2*slack {
		return fmt.Sprintf("Age is %q, and its age is %v", r.header.Get("Age"), a.age(r.head)), true, could // 5.1
	}
	return "", true, could
}

// overtaken: what a answers has been changed while it was made.
func (m *model) overtaken(a *answered) bool {
	for _, c := range m.changed {
		if c.path == a.path && !c.at.Before(a.sent) && !c.at.After(a.ended) {
			return true
		}
	}
	return false
}

// answer keeps what the origin has answered to r. It is called when the head goes out.
func (m *model) answer(a *answered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers[a.serial] = a
	if a.status >= 500 {
		m.failed = append(m.failed, event{a.path, a.received})
	}
	if a.method != http.MethodGet && a.method != http.MethodHead && a.status < 400 {
		m.changed = append(m.changed, event{a.path, a.received})
		for _, other := range m.answers {
			if other.path == a.path && other.received.Before(a.received) {
				other.invalid = a.received
			}
		}
	}
}

// freshen is what a 304 does to an answer (3.2, 4.3.4).
func (m *model) freshen(a *answered, request, fields http.Header, sent, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := *a
	old.until, a.before = now, &old
	a.header = a.header.Clone()
	for name, values := range fields {
		a.header[name] = values
	}
	for _, name := range []string{"Age", "Date"} { // of this message, or none (RFC 9110 6.6.1)
		if fields.Get(name) == "" {
			a.header.Del(name)
		}
	}
	a.request, a.apart = request.Clone(), request.Get("Authorization") != ""
	a.confirmedFor = append(a.confirmedFor, request.Get("X-Request"))
	a.sent, a.received, a.validated, a.invalid = sent, now, now, time.Time{}
}

// end is the end of an answer's body; one that is not whole has broken off.
func (m *model) end(a *answered, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a.ended = now
	if !a.whole {
		m.failed = append(m.failed, event{a.path, now})
	}
}
