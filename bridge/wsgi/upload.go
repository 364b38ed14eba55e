package wsgi

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/standpipe/standpipe/bridge/body"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/spool"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

// upload sends a request body that does not fit into the first frame, in one goroutine
// beside the answer: an app may answer while it reads, and neither may wait for the
// other.
type upload struct {
	x    *shim.Exchange
	done chan struct{} // closed when the goroutine has ended

	// Of a body that goes to the worker while it comes.
	streams  bool
	onDemand bool          // not before the app reads it: the client waits for "100 Continue"
	known    chan struct{} // closed when started is set
	started  bool          // the worker begins with the request
	reading  atomic.Bool   // the worker has all that has come
}

// send sends the environ and the body. A body in a file stays there: the worker opens
// it. Where Options.Give fails the worker gets frames.
func (a *attempt) send(q *request, log *records) error {
	whole := q.body.Buffered()
	if whole == nil {
		if !q.stream {
			return a.x.Send(q.vars, nil, true)
		}
		onDemand := q.body.ExpectsContinue()
		var err error
		if onDemand {
			err = a.x.SendHeld(q.vars, "", 0)
		} else {
			err = a.x.Send(q.vars, nil, false)
		}
		if err == nil {
			a.upload = &upload{x: a.x, done: make(chan struct{}), streams: true, onDemand: onDemand, known: make(chan struct{})}
			go a.upload.stream(q)
		}
		return err
	}
	if p, ok := whole.Memory(); ok && len(p) <= wire.MaxInline {
		return a.x.Send(q.vars, p, true)
	}
	path := whole.Path()
	if path != "" && a.o.Give != nil {
		if err := whole.Give(a.o.Give); err != nil {
			log.notGiven(err)
			path = ""
		}
	}
	var err error
	if path != "" {
		err = a.x.SendHeld(q.vars, path, whole.Size())
	} else {
		err = a.x.Send(q.vars, nil, false)
	}
	if err == nil {
		a.upload = &upload{x: a.x, done: make(chan struct{})}
		go a.upload.frames(whole, path != "")
	}
	return err
}

// frames sends a body that is here, where the worker needs it. A worker's death shows in
// the answer; an error of our own file ends the request.
func (u *upload) frames(whole *spool.Buffer, inFile bool) {
	defer close(u.done)
	if inFile && u.x.Wanted() != nil {
		return
	}
	buf := make([]byte, wire.MaxInline)
	size := whole.Size()
	for off := int64(0); off < size; {
		n := min(size-off, int64(len(buf)))
		if _, err := whole.ReadAt(buf[:n], off); err != nil && err != io.EOF {
			u.x.Cancel(fmt.Errorf("request body: %w", err))
			return
		}
		off += n
		if u.x.SendBody(buf[:n], off == size) != nil { // answered, or gone, or over
			return
		}
	}
}

// stream sends a body while it comes, from when the worker can begin with it: until
// then nothing is read, and the request may go to another worker. When the worker wants
// no more of it the rest is read and thrown away, so that the client, which may send all
// before it reads anything, gets the answer, and the connection's next request begins
// where it should. It alone reads the body.
func (u *upload) stream(q *request) {
	defer close(u.done)
	ctx := q.r.Context()
	defer context.AfterFunc(ctx, func() {
		if !u.reading.Load() { // else the read of the body fails too, and tells more
			u.x.Cancel(httpx.ErrClientGone)
		}
	})()
	if u.started = u.x.Started() == nil; u.started {
		q.body.Stream()
	}
	close(u.known)
	if !u.started || u.onDemand && u.x.Wanted() != nil {
		return
	}
	u.reading.Store(true)
	size := int64(wire.MaxInline)
	if n := q.r.ContentLength; n > 0 {
		size = min(size, n)
	}
	buf := make([]byte, size)
	for wanted := true; ; {
		n, err := q.body.Read(buf)
		switch {
		case err == body.ErrStopped:
			return
		case err != nil && err != io.EOF: // the request ends; where its answer is complete, the connection only
			u.x.Cancel(err)
			return
		}
		u.reading.Store(false)
		if ctx.Err() != nil { // the hook may have looked a moment too early
			u.x.Cancel(httpx.ErrClientGone)
		}
		wanted = wanted && u.x.SendBody(buf[:n], err == io.EOF) == nil // an error: answered, or gone, or over
		if err == io.EOF {
			return
		}
		u.reading.Store(true)
	}
}

// detach is called when the exchange is closed. It reports whether the goroutine goes
// on, because the rest of the body is still to come; otherwise it has ended.
func (u *upload) detach() bool {
	if u.streams {
		if <-u.known; u.started {
			return true
		}
	}
	<-u.done
	return false
}
