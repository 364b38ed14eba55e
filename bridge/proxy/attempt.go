package proxy

import (
	"fmt"
	"net/http"
	"time"

	"github.com/standpipe/standpipe/bridge/upstream"
)

// attempts is the http.RoundTripper that ReverseProxy gets.
type attempts struct{}

// RoundTrip asks one upstream after the other, until one has answered or no other one may
// be asked.
func (attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	q := requestOf(req.Context())
	for walk := q.h.group.Walk(); ; {
		u := walk.Next(time.Now())
		q.asked = u
		q.info.Upstream = u.Name
		resp, err := u.Transport.RoundTrip(q.outgoing(req, u))
		if err == nil && !upstream.Answers(req, resp.StatusCode) {
			resp.Body.Close()
			err = fmt.Errorf("the status %d ends no request", resp.StatusCode)
		}
		now := time.Now()
		u.Report(now, err)
		if err == nil {
			return resp, nil
		}
		if !q.mayRetry(req, err) || !walk.More(now) {
			return nil, err
		}
		q.info.Recalls++
		if q.h.skipped.Allow(u.Name, now) {
			q.h.Log.Warn("upstream_skipped", "upstream", u.Name, "error", err, "id", q.info.ID,
				"message", "An upstream did not take a request, which went to another one (logged once a minute).")
		}
	}
}

// mayRetry reports whether another upstream may be asked after err: when nothing was sent to
// this one, or when it died over a request that may run twice (RFC 9110 9.2.2) and whose
// body, if any, can be sent again. An upstream that was silent for too long is not dead.
func (q *request) mayRetry(req *http.Request, err error) bool {
	switch {
	case req.Context().Err() != nil || q.body.Err() != nil || !q.body.Repeatable():
		return false
	case upstream.Refused(err):
		return true
	case upstream.TimedOut(err) || upstream.StatusOf(err) != 0:
		return false
	}
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return upstream.Broken(err)
	}
	return false
}
