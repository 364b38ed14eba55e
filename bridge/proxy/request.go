package proxy

import (
	"context"
	"net/http"
	"time"

	"github.com/standpipe/standpipe/bridge/body"
	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/upstream"
)

// request is the state of one HTTP request.
type request struct {
	h      *Handler
	w      http.ResponseWriter
	r      *http.Request
	info   *httpx.RequestInfo
	body   body.Body
	ctx    context.Context // of the request to the upstream; nil: not yet
	cancel context.CancelCauseFunc

	asked     *upstream.Member // the last one; nil: none yet
	responder *upstream.Member // the one that responds; nil: none, or its response has ended
	cut       error            // why the response ended before its end
}

// ServeHTTP is the life of one request: first its body, then an upstream, then its
// response. It aborts a response that cannot be ended properly (httpx.Abort), so that the
// client can tell.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := &request{h: h, w: w, r: r, info: httpx.Of(w)}
	q.info.Source = "upstream"
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
	parent := r.Context()
	if c, ok := parent.(interface{ Wait() context.Context }); ok { // that of bridge/http1, which is used again then
		parent = c.Wait()
	}
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(context.Canceled)
	q.ctx, q.cancel = ctx, cancel
	begun := time.Now()
	defer func() { q.info.Run = time.Since(begun) }()
	if q.body.Present() {
		defer r.Body.Close() // a transport may still read it
	}
	q.upgrade()
	resp, err := q.response()
	if err != nil {
		q.fail(err)
		return
	}
	p := &response{resp, q}
	if resp.StatusCode == http.StatusSwitchingProtocols {
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
	if q.ctx != nil {
		switch c := context.Cause(q.ctx); c {
		case errSilent, httpx.ErrClientGone:
			return c
		}
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
	}
}

// cgiInfo is what CGI variables need beside the request.
func (q *request) cgiInfo() *cgi.Info {
	n := q.info
	in := &cgi.Info{ID: n.ID, Scheme: n.Scheme, Prefix: n.Prefix, ScriptName: q.h.stripped(), RemoteAddr: n.RemoteAddr, RemotePort: n.RemotePort,
		ServerName: n.ServerName, ServerPort: n.ServerPort}
	in.Relay(n.ScriptName, n.Named, n.Extra)
	return in
}
