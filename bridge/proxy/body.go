package proxy

import (
	"io"

	"github.com/standpipe/standpipe/bridge/body"
)

// takeBody reads the request body whole, unless it may be forwarded while it comes.
// Refusals come before the first read.
func (q *request) takeBody() error {
	o := &q.h.Options
	q.body.Begin(q.w, q.r, body.Options{Max: o.MaxBody, Pace: o.BodyPace, Spool: o.Spool})
	if !q.body.Present() {
		return nil
	}
	if err := q.body.Check(); err != nil {
		return err
	}
	if isGRPC(q.r.Header.Get("Content-Type")) && q.h.Group.SpeaksHTTP() || o.Unbuffered && (q.r.ContentLength > 0 || q.h.Group.SpeaksHTTP()) {
		q.body.Stream()
		return nil
	}
	return q.body.Buffer()
}

// attachBody gives it the request body.
func (o *outgoing) attachBody() {
	q := o.q
	if !q.body.Present() {
		return
	}
	o.Body, o.Length = body.NewReader(&q.body), q.r.ContentLength
	if whole := q.body.Buffered(); whole != nil {
		o.Again = func() (io.ReadCloser, error) { return body.NewReader(&q.body), nil } // a kept connection may have ended
		o.Length = whole.Size()
	}
}
