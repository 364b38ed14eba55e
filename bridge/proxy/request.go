package proxy

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/body"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/upstream"
)

// request is the state of one HTTP request.
type request struct {
	h    *Handler
	w    http.ResponseWriter
	r    *http.Request
	rec  *httpx.Writer // inside w; nil: there is none
	info *httpx.RequestInfo
	body body.Body

	ending *upstream.Ending // of the request to the upstream
	out    outgoing
	begun  time.Time
	now    time.Time // when the upstream was asked, or has answered
	lent   bool      // others may still have a part of the request

	asked     *upstream.Member // the last one; nil: none yet
	responder *upstream.Member // the one that responds; nil: none, or its response has ended
	cut       error            // why the response ended before its end

	span span // of the request to the last one
}

var requests = sync.Pool{New: func() any { return &request{ending: &upstream.Ending{}} }}

// begin makes a request.
func (h *Handler) begin(w http.ResponseWriter, r *http.Request) *request {
	q := requests.Get().(*request)
	q.h, q.w, q.r, q.rec, q.begun = h, w, r, httpx.Find(w), time.Now()
	if q.rec != nil {
		q.info = &q.rec.Info
	} else {
		q.info = httpx.Of(w)
	}
	q.now = q.begun
	return q
}

// free has the memory used for another request, unless others may still have a part of it: a transport the body, a timer the
// ending.
func (q *request) free() {
	if q.lent || q.body.Present() || !q.ending.Again() {
		return
	}
	q.out.free()
	*q = request{ending: q.ending, out: q.out}
	requests.Put(q)
}

// ClientGone is httpx.Disconnecter's.
func (q *request) ClientGone() { q.ending.Cancel(httpx.ErrClientGone) }

// follow has the request end when the client disconnects, until stop.
func (q *request) follow() (stop func() bool) {
	if q.rec != nil && q.rec.Conn != nil {
		q.rec.Conn.OnDisconnect(q)
		return nil
	}
	q.lent = true
	return context.AfterFunc(q.r.Context(), q.ClientGone)
}

// end ends what the request still has of the upstream and of the client.
func (q *request) end(stop func() bool) {
	if stop != nil {
		stop()
	} else {
		q.rec.Conn.OnDisconnect(nil)
	}
	q.ending.Cancel(context.Canceled)
}

// ServeHTTP is the life of one request: first its body, then an upstream, then its
// response. It aborts a response that cannot be ended properly (httpx.Abort), so that the
// client can tell.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := h.begin(w, r)
	q.info.Source = "upstream"
	defer q.free()
	defer func() {
		q.body.Stop()
		q.body.Free() // no read is under way afterwards
	}()
	defer q.release()
	defer func() {
		if q.cut != nil {
			q.report(q.cut, 0)
		}
	}()
	if err := q.takeBody(); err != nil {
		q.fail(err)
		return
	}
	if r.Method == http.MethodConnect {
		q.fail(errConnect)
		return
	}
	stop := q.follow()
	defer q.end(stop)
	if q.body.Present() {
		q.now = time.Now()
		defer r.Body.Close() // a transport may still read it
	}
	asked := q.now
	defer func() { q.info.Run = time.Since(asked) }()
	q.upgrade()
	resp, err := q.response()
	if err != nil {
		q.fail(err)
		return
	}
	p := &response{resp, q}
	if resp.Status == http.StatusSwitchingProtocols {
		p.tunnel()
	} else {
		p.send()
	}
}

// cause finds out why a request ended early.
func (q *request) cause(err error) error {
	switch {
	case q.r.Context().Err() != nil:
		return httpx.ErrClientGone
	case q.body.Err() != nil:
		return q.body.Err()
	}
	switch c := q.ending.Cause(); c {
	case errSilent, httpx.ErrClientGone:
		return c
	}
	return err
}

// fail answers an error, or aborts the response when the client disconnected.
func (q *request) fail(err error) {
	err = q.cause(err)
	q.info.Err = err
	v := judge(err)
	if v.status == httpx.StatusClientGone {
		q.info.Status = httpx.StatusClientGone
		httpx.Abort(q.w)
		return
	}
	q.report(err, v.status)
	h := q.w.Header()
	if v.client {
		q.info.Source = "server"
		h["Connection"] = []string{"close"} // the next bytes on it may be the rest of the body
	}
	q.h.Pages.Write(q.w, q.r, v.status, v.text, v.retryAfter)
}

// report writes the one record of a request that an upstream did not answer. Status 0: the
// response had begun.
func (q *request) report(err error, status int) {
	if q.info.Err == nil {
		q.info.Err = err
	}
	if q.asked == nil || judge(err).client {
		return
	}
	pairs := []any{"upstream", q.asked.Name, "id", q.info.ID, "method", q.r.Method, "target", q.r.RequestURI, "error", err}
	pairs = append(pairs, q.info.Traced()...)
	if status == 0 {
		pairs = append(pairs, "message", "An upstream stopped within its response. The connection was closed, so that the client can tell.")
	} else {
		pairs = append(pairs, "status", status)
	}
	q.h.Log.Error("upstream_failed", pairs...)
}

// release tells that the upstream's response has ended. It may be called again.
func (q *request) release() {
	if q.responder != nil {
		q.responder.End()
		q.responder = nil
		q.span.end(q)
	}
}
