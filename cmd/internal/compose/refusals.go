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
	limit httpx.LogLimiter // of request_refused, by reason
}

func newRefusals(log hclog.Logger) *refusals {
	return &refusals{log: log, limit: httpx.LogLimiter{Every: time.Minute}}
}

// tell writes a record, once a minute for each reason: a client can repeat it at will.
func (l *refusals) tell(w *httpx.Writer, r *http.Request, status int, reason http1.Reason) {
	if l.limit.Allow(reason.Code, time.Now()) {
		l.log.Warn("request_refused", "client", w.Info.RemoteAddr, "method", r.Method, "target", r.RequestURI, "status", status, "reason", reason.Code,
			"message", "a request was refused: "+reason.Text+" (logged once a minute for each reason)")
	}
}

// refusedPage answers with the page of the status that the RequestInfo has.
func refusedPage(pages *httpx.Pages) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpx.Of(w).Source = "server"
		pages.Write(w, r, httpx.Of(w).Status, "", 0)
	})
}
