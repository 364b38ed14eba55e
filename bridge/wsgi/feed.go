package wsgi

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/body"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

// feed passes a request body to its worker while it comes. When the worker wants
// no more of it the rest is read and thrown away, so that the client, which may
// send all before it reads anything, gets the answer, and the connection's next
// request begins where it should. It alone reads the body, in one goroutine.
type feed struct {
	t     *turn
	c     *clock
	x     *shim.Exchange
	done  chan struct{} // closed when the goroutine has ended
	began time.Time

	moved   atomic.Int64 // when bytes came or were sent on last; ns after began
	reading atomic.Bool  // the worker has all that has come
}

// startFeed sends the request without its body and starts the feed. When it
// returns an error nothing of the body has been read: the request may go to
// another worker.
func (t *turn) startFeed(c *clock, x *shim.Exchange) error {
	if err := x.Send(t.vars, nil, false); err != nil {
		return err
	}
	// Else net/http reads the body itself before the answer's head goes out.
	_ = http.NewResponseController(t.w).EnableFullDuplex() // HTTP/2 needs it not
	f := c.feed
	f.c, f.x = c, x
	t.body.Stream()
	t.feed = f
	f.mark()
	f.reading.Store(true)
	go f.run()
	return nil
}

func (f *feed) run() {
	defer close(f.done)
	t := f.t
	size := int64(wire.MaxInline)
	if n := t.r.ContentLength; n > 0 {
		size = min(size, n)
	}
	buf := make([]byte, size)
	for wanted := true; ; {
		n, err := t.body.Read(buf)
		switch {
		case err == body.ErrStopped:
			return
		case err != nil && err != io.EOF: // the request ends; where its answer is complete, the connection only
			f.c.cancel(err)
			return
		}
		f.mark()
		f.reading.Store(false)          // not before cancel: clock.left
		if t.r.Context().Err() != nil { // it may have looked a moment too early
			f.c.cancel(httpx.ErrClientGone)
		}
		// An error: answered, or gone, or over.
		wanted = wanted && f.c.Err() == nil && f.x.SendBody(f.c, buf[:n], err == io.EOF) == nil
		if err == io.EOF {
			f.mark()
			return
		}
		f.mark()
		f.reading.Store(true)
	}
}

func (f *feed) mark() { f.moved.Store(int64(time.Since(f.began))) }

// failed reports whether the body will not be complete; the goroutine has ended then.
func (f *feed) failed() bool {
	if f.t.body.Err() == nil {
		return false
	}
	<-f.done
	return true
}

// grace is what a limit on the app's time has to be prolonged by: time counts
// from the last octets that came or were handed on, and not at all while the app
// has all that came. 0 or less: the time is over.
func (f *feed) grace(limit time.Duration) time.Duration {
	if f == nil {
		return 0
	}
	if f.reading.Load() {
		return limit
	}
	return limit - (time.Since(f.began) - time.Duration(f.moved.Load()))
}

// settle waits until the client has sent the rest of its body. The answer is on
// its way by then, all but the last chunk of one whose length nobody knew.
func (t *turn) settle() {
	f := t.feed
	if f == nil {
		return
	}
	select {
	case <-f.done:
	default:
		if t.w.FlushError() != nil {
			f.abort()
		} else {
			t.body.AnsweredEarly()
		}
		<-f.done
	}
	if !t.body.Complete() {
		closeAfter(t.w)
	}
}

// abort ends the goroutine and the use of the connection, unless the body is complete:
// net/http takes an interrupted read for a client that has left.
func (f *feed) abort() {
	f.t.body.Cut()
	f.c.end()
	<-f.done
}

// closeAfter has the connection closed when the handler returns: what comes on it
// is the rest of a body, not a request. In full duplex net/http does not find that
// out by itself; a body beyond its limit is the one way to tell it.
func closeAfter(w http.ResponseWriter) {
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		w = u.Unwrap()
	}
	_, _ = io.Copy(io.Discard, http.MaxBytesReader(w, io.NopCloser(strings.NewReader("x")), 0))
}
