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
		l.count(why.Code)
		if l.limit.Allow(why.Code, time.Now()) {
			l.log.Warn("request_refused", "client", n.RemoteAddr, "id", n.ID, "method", r.Method, "target", r.RequestURI, "status", why.Status, "reason", why.Code,
				"message", "a request was refused: "+why.Text+" (logged once a minute for each reason)")
		}
		pages.Write(w, r, why.Status, "", 0)
	})
}
