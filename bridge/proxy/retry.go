package proxy

import (
	"net/http"
	"slices"
	"time"

	"github.com/standpipe/standpipe/bridge/upstream"
)

// RetryOn are the failures after which another upstream may be asked.
type RetryOn struct {
	Error    bool  // there was no connection, it broke, or what came was no response
	Timeout  bool  // the response did not begin in time
	Statuses []int // responses with these statuses; they count as failures of the upstream too
}

// names reports whether a failure with this cause is one of them. The status is among Statuses where it is the cause.
func (o *RetryOn) names(c upstream.Cause, status int) bool {
	switch c {
	case upstream.Connect, upstream.Lost:
		return o.Error
	case upstream.Timeout:
		return o.Timeout
	}
	return slices.Contains(o.Statuses, status)
}

// outcome says what a response, or an error in its place, means for the upstream.
func (q *request) outcome(status int, err error, took time.Duration) upstream.Outcome {
	o := upstream.Outcome{Err: err, Took: took, Failed: err != nil}
	if q.body.Present() && q.body.Buffered() == nil {
		o.Took = 0 // the client's time is in it
	}
	switch {
	case err == nil:
		if isGatewayFailure(status) || slices.Contains(q.h.RetryOn.Statuses, status) {
			o.Failed, o.Cause, o.Err = true, upstream.Status, statusError(status)
		}
	case q.ending.Cause() != nil, q.body.Err() != nil: // the client's doing
		o.Failed, o.Neutral = false, true
	case upstream.NotTaken(err):
		o.Cause = upstream.Connect
	case upstream.StatusOf(err) != 0, upstream.OfRequest(err):
		o.Failed, o.Neutral = false, true
	case upstream.TimedOut(err):
		o.Cause = upstream.Timeout
	case upstream.Broken(err):
		o.Cause = upstream.Lost
	default: // what the request itself may have caused must not count: else a client could put an upstream out of service
		o.Failed, o.Neutral = false, true
	}
	return o
}

// isGatewayFailure reports whether a status says that there is no server to respond.
func isGatewayFailure(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
}

// mayRepeat reports whether the request may be sent to another upstream after a failure: when nothing was sent to this
// one, or when the request may run twice (RFC 9110 9.2.2). Its body, if any, must be there to be sent again.
func (q *request) mayRepeat(o upstream.Outcome, status int) bool {
	switch {
	case !o.Failed || q.ending.Cause() != nil || q.body.Err() != nil || !q.body.Repeatable():
		return false
	case !q.h.RetryOn.names(o.Cause, status):
		return false
	case o.Cause == upstream.Connect:
		return true
	}
	switch q.r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}
