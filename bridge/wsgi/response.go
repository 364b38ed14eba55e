package wsgi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/spool"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

// converse sends the request and passes the answer on.
func (t *turn) converse(x *shim.Exchange) error {
	defer x.Release() // the pump has ended then too
	c := t.startClock(x)
	rest, err := t.send(c, x)
	if err == nil {
		err = t.answer(c, x)
	}
	c.end()
	if rest != nil {
		<-rest
	}
	if err == nil {
		return nil
	}
	return t.reason(c, x, err)
}

// reason finds out why a wait ended early.
func (t *turn) reason(c *clock, x *shim.Exchange, err error) error {
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	cause := c.ended()
	var why string
	switch {
	case t.feed == nil && t.r.Context().Err() != nil: // a feed has told by itself
		cause = httpx.ErrClientGone
	case errors.Is(cause, errTimeout):
		why = "no answer within " + t.Timeout.String() + ": answered 504"
	case errors.Is(cause, errSilent):
		why = "silent for " + t.StreamTimeout.String() + " within its answer"
	}
	if why != "" {
		if gone := x.Gone(); gone != nil { // in the same moment: its record is the one that counts
			if errors.Is(err, errCut) {
				return fmt.Errorf("%w: %w", errCut, gone)
			}
			return gone
		}
		x.Expire(why)
	}
	if errors.Is(err, errCut) {
		return fmt.Errorf("%w: %w", errCut, cause)
	}
	return cause
}

// send sends environ and body. A body in a file stays there: the worker opens it.
// What does not fit into the first frame goes beside the answer: an app may answer
// while it reads, and neither may wait for the other. The channel is closed when
// that has ended; nil: nothing of that kind.
func (t *turn) send(c *clock, x *shim.Exchange) (chan struct{}, error) {
	if t.stream {
		return nil, t.startFeed(c, x)
	}
	whole := t.body.Buffered()
	if whole == nil {
		return nil, x.Send(t.vars, nil, true)
	}
	if p, ok := whole.Memory(); ok && len(p) <= wire.MaxInline {
		return nil, x.Send(t.vars, p, true)
	}
	path := whole.Path()
	if path != "" && t.Give != nil {
		if err := whole.Give(t.Give); err != nil { // the worker gets frames
			t.Log.Warn("spool_not_given", "app", t.App, "error", err)
			path = ""
		}
	}
	var err error
	if path != "" {
		err = x.SendFile(t.vars, path, whole.Size())
	} else {
		err = x.Send(t.vars, nil, false)
	}
	if err != nil {
		return nil, err
	}
	c.widen()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if path == "" || x.FileRefused(c) == nil {
			t.sendRest(c, x, whole)
		}
	}()
	return done, nil
}

// sendRest sends the body in frames. A worker's death shows in the answer; an
// error of our own file ends the request through the clock.
func (t *turn) sendRest(c *clock, x *shim.Exchange, whole *spool.Buffer) {
	buf := make([]byte, wire.MaxInline)
	size := whole.Size()
	for off := int64(0); off < size; {
		n := min(size-off, int64(len(buf)))
		if _, err := whole.ReadAt(buf[:n], off); err != nil && err != io.EOF {
			c.cancel(fmt.Errorf("request body: %w", err))
			return
		}
		off += n
		if x.SendBody(c, buf[:n], off == size) != nil { // answered, or gone, or over
			return
		}
	}
}

// answer passes the answer on. The head goes out with the first octets of the
// body, or with its end (PEP 3333, "Handling the Unknown"): until then every error
// can still be answered. Later errors wrap errCut.
func (t *turn) answer(c *clock, x *shim.Exchange) error {
	raw, err := t.awaitHead(c, x)
	if err != nil {
		return err
	}
	h, err := checkHead(raw)
	if err != nil {
		return err
	}
	if name := t.internalField(raw); name != "" {
		return t.answerInternal(c, x, raw, h, name)
	}
	if raw.File {
		if f, err := x.File(c); f != nil || err != nil {
			return t.answerPassed(c, x, raw, h, f, err)
		}
	}
	size, whole := x.Whole()
	p, err := x.Next(c)
	if err != nil && err != io.EOF {
		return err
	}
	if !c.stop() {
		return context.Canceled
	}
	if err == io.EOF {
		size, whole = 0, true
	}
	t.setFields(raw.Fields, h.status)
	if !t.hasBody(h.status) {
		t.endWithoutBody(h, size, whole)
		return nil
	}
	if h.length >= 0 {
		t.setLength(h.status, h.length, h.digits)
	} else if whole {
		t.setLength(h.status, size, "")
	}
	t.writeHead(h)
	if err := t.copyBody(c, x, h, p, err, whole); err != nil {
		return fmt.Errorf("%w: %w", errCut, err)
	}
	return nil
}

// hasBody: RFC 9110 6.4.1, 15.3.6.
func (t *turn) hasBody(status int) bool {
	return status != http.StatusResetContent && t.r.Method != http.MethodHead && status != http.StatusNoContent && status != http.StatusNotModified
}

// endWithoutBody answers HEAD, 204, 205 and 304. A body that the app gives all the same
// is not waited for. The length is the app's; that of a HEAD's own body counts
// when there is one: most frameworks send none, which says nothing about the GET.
func (t *turn) endWithoutBody(h head, size int64, whole bool) {
	switch {
	case h.status == http.StatusNoContent: // RFC 9110 8.6: no length
	case h.status == http.StatusResetContent: // RFC 9110 15.3.6: it has no content, and says so
		t.setLength(h.status, 0, "0")
	case h.length >= 0:
		t.setLength(h.status, h.length, h.digits)
	case whole && size > 0 && t.r.Method == http.MethodHead && h.status != http.StatusNotModified:
		t.setLength(h.status, size, "")
	}
	t.writeHead(h)
}

// copyBody sends the body; p and err are what Next has returned already.
func (t *turn) copyBody(c *clock, x *shim.Exchange, h head, p []byte, err error, whole bool) error {
	if !whole && !h.straight {
		t.pump.watch(t, c, x, h.length)
		defer t.pump.stop()
	}
	got := int64(0)
	for err == nil {
		keep, over := t.clip(h.length, got, p)
		if over {
			return t.write(keep, false) // the rest is not waited for
		}
		got += int64(len(keep))
		t.pump.writing(got)
		if err := t.write(keep, !whole); err != nil {
			return err
		}
		x.Done(p)
		if t.pump.runs() {
			return t.drain()
		}
		p, err = t.next(c, x)
	}
	if err == io.EOF {
		err = t.ended(h.length, got)
	}
	if err != nil {
		t.flush()
	}
	return err
}

// drain sends what the pump has taken.
func (t *turn) drain() error {
	for {
		p, more, err := t.pump.pipe.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			t.flush()
			return err
		}
		if err := t.write(p, !more); err != nil {
			return err
		}
	}
}

// clip returns what of p the declared length has room for; -1: none is declared.
// got octets came before; over: p holds more.
func (t *turn) clip(length, got int64, p []byte) (keep []byte, over bool) {
	if n := got + int64(len(p)); length >= 0 && n > length {
		t.sayLength(length, n, "the body is longer: what is too much was cut off")
		return p[:length-got], true
	}
	return p, false
}

// ended checks the length of an answer that the app has ended.
func (t *turn) ended(length, got int64) error {
	if got >= length {
		return nil
	}
	t.sayLength(length, got, "the body is shorter: the connection was closed, so that the client can tell")
	return errShort
}

// next waits for octets, at most StreamTimeout.
func (t *turn) next(c *clock, x *shim.Exchange) ([]byte, error) {
	if t.StreamTimeout <= 0 {
		return x.Next(c)
	}
	c.start(t.StreamTimeout, errSilent)
	p, err := x.Next(c)
	if !c.stop() && err == nil {
		return nil, context.Canceled
	}
	return p, err
}

// write sends bytes to the client; an error means that the client has left, or that the
// connection has ended it for being too slow (bridge/listen).
func (t *turn) write(p []byte, flush bool) error {
	_, err := t.w.Write(p)
	if err == nil && flush {
		err = t.w.FlushError()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", httpx.ErrClientGone, err)
	}
	return nil
}

// flush sends what is buffered before the connection is broken, so that the
// client has the head and can tell that the body is cut.
func (t *turn) flush() { _ = t.w.FlushError() }

func (t *turn) sayLength(declared, body int64, what string) {
	t.Log.Warn("content_length_mismatch", "app", t.App, "id", t.info.ID, "method", t.r.Method, "target", t.r.RequestURI, "worker", t.info.Worker,
		"declared", declared, "body", body, "hint", what)
}
