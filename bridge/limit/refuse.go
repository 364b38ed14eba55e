package limit

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// The fields that tell clients of a limit, by draft-ietf-httpapi-ratelimit-headers-10.
const (
	fieldPolicy = "Ratelimit-Policy" // canonical, as keys of a http.Header are
	fieldLimit  = "Ratelimit"
)

// policy is the value of RateLimit-Policy: the quota in a window of whole seconds.
func policy(o *Options) string {
	if o.Rate.Count == 0 {
		return ""
	}
	return fmt.Sprintf("%q;q=%d;w=%d", o.Name, o.Rate.Count, int64(o.Rate.Per/time.Second))
}

// current is the value of RateLimit: what would pass now, and the seconds until it is more.
func (l *limiter) current(v Verdict) string {
	return `"` + l.o.Name + `";r=` + strconv.Itoa(v.Remaining) + ";t=" + strconv.FormatInt(seconds(v.Reset), 10)
}

func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// announce adds the fields to an answer that is not refused, unless the app sets them, or a limit
// before this one has done so.
func (l *limiter) announce(rec *httpx.Writer, v Verdict) {
	if !rec.Defaults.Has(fieldLimit) {
		rec.Defaults.Add(fieldPolicy, l.policy)
		rec.Defaults.Add(fieldLimit, l.current(v))
	}
}

// refuse answers, and reports whether it did so: it does not in a dry run. reason is rate,
// concurrency, waiting or store.
func (l *limiter) refuse(rec *httpx.Writer, s *subject, v Verdict, reason string) bool {
	status := l.o.Status
	if reason == "store" {
		status = http.StatusServiceUnavailable
	}
	l.record(rec, s, reason, status)
	if l.o.DryRun {
		return false
	}
	rec.Info.Source, rec.Info.Refused = "server", "limit "+l.o.Name+": "+reason
	if s.r.ContentLength != 0 {
		rec.EndConnection() // the body has not been read
	}
	h := rec.Header()
	switch reason {
	case "rate":
		h[fieldPolicy], h[fieldLimit] = []string{l.policy}, []string{l.current(v)}
	case "concurrency": // when there is room again is not known
		h[fieldPolicy], h[fieldLimit] = []string{fmt.Sprintf("%q;q=%d;qu=%q", l.o.Name, l.o.Concurrency, "concurrent-requests")}, []string{`"` + l.o.Name + `";r=0`}
	}
	l.o.Pages.Write(rec, s.r, status, "", v.Retry)
	if reason == "rate" || reason == "concurrency" {
		l.o.Ban.ban(s, l.o.Name)
	}
	return true
}

// record writes limit_exceeded, once a minute for each key.
func (l *limiter) record(rec *httpx.Writer, s *subject, reason string, status int) {
	st, n := l.o.State, &rec.Info
	st.untold.Add(1)
	if !st.told.Allow(string(binary.NativeEndian.AppendUint64(nil, s.hash)), time.Now()) {
		return
	}
	key := l.o.Key.text(s)
	what := "sends more requests than " + FormatRate(l.o.Rate.Count, l.o.Rate.Per) + " allows"
	switch reason {
	case "concurrency":
		what = fmt.Sprintf("has more than %d requests at the same time", l.o.Concurrency)
	case "store":
		what = "cannot be counted, because the server of the limits is away"
	}
	then := fmt.Sprintf("it got %d", status)
	pairs := []any{"limit_name", l.o.Name, "key", key, "client", n.RemoteAddr, "id", n.ID, "method", s.r.Method, "target", s.r.RequestURI,
		"reason", reason, "refused", st.untold.Swap(0)}
	if l.o.DryRun {
		then = "dry_run lets it pass"
		pairs = append(pairs, "dry_run", true)
	} else {
		pairs = append(pairs, "status", status)
	}
	if l.o.App != "" {
		pairs = append(pairs, "app", l.o.App)
	}
	l.o.Log.Warn("limit_exceeded", append(pairs, "message", fmt.Sprintf("limit %s: %s %s; %s", l.o.Name, key, what, then))...)
}
