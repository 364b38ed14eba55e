package proxy

import (
	"io"
	"net/http"

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
	if isGRPC(q.r.Header) && q.h.Group.SpeaksHTTP() || o.Unbuffered && (q.r.ContentLength > 0 || q.h.Group.SpeaksHTTP()) {
		q.body.Stream()
		return nil
	}
	return q.body.Buffer()
}

// attachBody gives the request body to out, a request to one upstream.
func (q *request) attachBody(out *http.Request) {
	if !q.body.Present() {
		out.Body = http.NoBody
		return
	}
	out.Body = body.NewReader(&q.body)
	if whole := q.body.Buffered(); whole != nil {
		out.GetBody = func() (io.ReadCloser, error) { return body.NewReader(&q.body), nil } // a kept connection may have ended
		out.ContentLength, out.TransferEncoding = whole.Size(), nil
		out.Header.Del("Expect") // answered, and read
	}
}
