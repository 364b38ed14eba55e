package proxy

import (
	"io"
	"net/http"
	"time"
)

// answer is the body of an upstream's answer. It bounds the upstream's silence, and
// remembers why it ended before its end.
type answer struct {
	io.ReadCloser
	t     *turn
	timer *time.Timer // nil: silence is not bounded
}

func (t *turn) watch(resp *http.Response) {
	a := &answer{ReadCloser: resp.Body, t: t}
	if d := t.o.ReadTimeout; d > 0 {
		a.timer = time.AfterFunc(d, func() { t.cancel(errSilent) })
		a.timer.Stop()
	}
	resp.Body = a
}

func (a *answer) Read(p []byte) (int, error) {
	if a.timer != nil {
		a.timer.Reset(a.t.o.ReadTimeout)
		defer a.timer.Stop()
	}
	n, err := a.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		a.t.cut = a.t.cause(err)
	}
	return n, err
}
