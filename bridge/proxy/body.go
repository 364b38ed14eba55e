package proxy

import (
	"io"
	"net/http"

	"github.com/standpipe/standpipe/bridge/body"
)

// takeBody reads the request body whole, unless it may go on while it comes. Refusals come
// before the first read.
func (t *turn) takeBody() error {
	o := t.o
	t.body.Begin(t.w, t.r, body.Options{Max: o.MaxBody, Pace: o.BodyPace, Spool: o.Spool})
	if !t.body.Present() {
		return nil
	}
	if err := t.body.Check(); err != nil {
		return err
	}
	if o.Unbuffered && (t.r.ContentLength > 0 || o.speakHTTP()) {
		t.body.Stream()
		return nil
	}
	return t.body.Buffer()
}

// attachBody gives the request body to out, a request to one upstream.
func (t *turn) attachBody(out *http.Request) {
	if !t.body.Present() {
		out.Body = http.NoBody
		return
	}
	out.Body = body.NewReader(&t.body)
	if whole := t.body.Buffered(); whole != nil {
		out.GetBody = func() (io.ReadCloser, error) { return body.NewReader(&t.body), nil } // a kept connection may have ended
		out.ContentLength, out.TransferEncoding = whole.Size(), nil
		out.Header.Del("Expect") // answered, and read
	}
}
