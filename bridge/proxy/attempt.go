package proxy

import (
	"context"
	"fmt"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/trace"
	"github.com/standpipe/standpipe/bridge/upstream"
)

// statusError is a response whose status counts as a failure.
type statusError int

func (s statusError) Error() string {
	return fmt.Sprintf("the upstream responded with the status %d", int(s))
}

// response asks one upstream after the other, until one has answered or no other one may be asked. The last answer counts,
// whatever its status.
func (q *request) response() (*upstream.Response, error) {
	key := q.key()
	walk := q.h.Group.Walk(key)
	for tries := 1; ; tries++ {
		m, err := q.next(&walk)
		if err != nil {
			return nil, err
		}
		q.asked, q.responder = m, m
		q.info.Upstream = m.Name
		q.span.begin(q, tries)
		resp, o, err := q.ask(m)
		if !q.retry(&walk, resp, o, tries) {
			if err == nil && q.h.Sticky != nil && m.Tag() != key {
				resp.Fields = append(resp.Fields, httpx.Field{Name: "Set-Cookie", Value: q.h.Sticky.Field(m.Tag(), q.info.Scheme == "https")})
			}
			return resp, err
		}
		if resp != nil {
			resp.Body.Close()
		}
		q.release()
		q.info.Recalls++
	}
}

// next chooses an upstream. Where all are full the request waits.
func (q *request) next(walk *upstream.Walk) (*upstream.Member, error) {
	m, full := walk.Next(q.now)
	switch {
	case m != nil:
		return m, nil
	case !full:
		return nil, errNone
	case q.h.FullTimeout > 0:
		ctx, cancel := context.WithTimeout(q.ending, q.h.FullTimeout)
		defer cancel()
		since := time.Now()
		m, err := walk.Await(ctx)
		q.info.Trace.Add(trace.Span{Phase: trace.Waiting, ID: trace.NewSpanID(), Start: since, End: time.Now(), Err: err})
		if err == nil {
			q.now = time.Now()
			return m, nil
		}
	}
	q.h.Log.Warn("upstream_full", "route", q.h.Group.Route, "id", q.info.ID, "method", q.r.Method, "target", q.r.RequestURI)
	return nil, upstream.ErrFull
}

// ask sends the request to one upstream, and reports what came of it.
func (q *request) ask(m *upstream.Member) (*upstream.Response, upstream.Outcome, error) {
	begun := q.now
	q.out.prepare(q, m)
	q.span.tell(q)
	resp, err := m.Transport.Send(&q.out.Request)
	status := 0
	if err == nil {
		if status = resp.Status; !q.out.Answers(status) {
			resp.Body.Close()
			resp, err = nil, fmt.Errorf("the status %d ends no request", status)
		} else {
			q.out.room = resp.Fields
		}
	}
	q.now = time.Now()
	q.span.Status, q.span.Err = status, err
	o := q.outcome(status, err, q.now.Sub(begun))
	q.h.Group.Report(m, o, q.now)
	return resp, o, err
}

// retry reports whether another upstream is asked now, and writes the record of it.
func (q *request) retry(walk *upstream.Walk, resp *upstream.Response, o upstream.Outcome, tries int) bool {
	status, now := 0, q.now
	if resp != nil {
		status = resp.Status
	}
	if !q.mayRepeat(o, status) || q.h.Tries > 0 && tries >= q.h.Tries || !walk.More(now) {
		return false
	}
	if !walk.Retry(q.asked, o.Cause, now) {
		if q.h.exhausted.Allow("", now) {
			q.h.Log.Warn("retry_budget", "route", q.h.Group.Route, "upstream", q.asked.Name, "reason", o.Cause.String(), "error", o.Err, "id", q.info.ID)
		}
		return false
	}
	q.h.Log.Info("upstream_retried", append(q.info.Traced(), "route", q.h.Group.Route, "upstream", q.asked.Name, "reason", o.Cause.String(), "error", o.Err, "id", q.info.ID)...)
	return true
}
