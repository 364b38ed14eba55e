package compose

import (
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/http1"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// refusals are the requests that no handler gets, because they do not follow HTTP or exceed a
// limit.
type refusals struct {
	log   hclog.Logger
	count func(reason string)
	limit httpx.LogLimiter // of request_refused, by reason
}

func newRefusals(log hclog.Logger, count func(reason string)) *refusals {
	return &refusals{log: log, count: count, limit: httpx.LogLimiter{Every: time.Minute}}
}

// handler answers with a page, and writes a record, once a minute for each reason: a client
// can repeat it at will.
func (l *refusals) handler(pages *httpx.Pages) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := httpx.Of(w)
		why, ok := n.Err.(*http1.Refusal)
		if !ok {
			why = &http1.Refusal{Status: http.StatusBadRequest}
		}
		n.Refused = why.Code
		l.record(n.RemoteAddr, n.ID, r.Method, r.RequestURI, why)
		pages.Write(w, r, why.Status, "", 0)
	})
}

// record counts a refusal.
func (l *refusals) record(client, id, method, target string, why *http1.Refusal) {
	l.count(why.Code)
	if l.limit.Allow(why.Code, time.Now()) {
		l.log.Warn("request_refused", "client", client, "id", id, "method", method, "target", target, "status", why.Status, "reason", why.Code,
			"message", "a request was refused: "+why.Text+" (logged once a minute for each reason)")
	}
}

// unread counts a request that a way in has refused before anything was known of it.
func (l *refusals) unread(remote string, status int, reason, text string) {
	l.record(httpx.EndsOf(remote, nil).RemoteAddr, "-", "-", "-", &http1.Refusal{Status: status, Code: reason, Text: text})
}
