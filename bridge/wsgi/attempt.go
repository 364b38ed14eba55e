package wsgi

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/shim"
)

// attempt is one run of a request in a worker: its place in the pool, its exchange, its
// deadlines, and whether the request may run once more. It knows the request, and no
// ResponseWriter.
type attempt struct {
	o        *Options
	x        *shim.Exchange
	stream   bool             // the body goes to the worker while it comes
	head     bool             // the head of the answer was taken
	begun    bool             // the answer goes to the client
	deadline shim.Deadline    // until then
	upload   *upload          // nil: the body went with the request
	conn     httpx.Connection // has the attempt told that the client disconnects; nil: nothing has
}

// open waits for a place in the pool.
func (a *attempt) open(o *Options, q *request, try int) error {
	*a = attempt{o: o, stream: q.stream}
	ctx := q.r.Context()
	if q.conn != nil {
		ctx = q.conn.WaitContext()
	}
	x, err := o.Pool.Acquire(ctx, q.label(o, try))
	if err != nil {
		if ctx.Err() != nil {
			return httpx.ErrClientGone
		}
		return err
	}
	a.x = x
	switch {
	case a.stream: // the upload notices it
	case q.conn != nil:
		a.conn = q.conn
		a.conn.OnDisconnect(a)
	default:
		x.CancelOn(ctx.Done(), httpx.ErrClientGone)
	}
	a.deadline = shim.Deadline{Kind: shim.ToAnswer, From: time.Now(), Limit: o.Timeout, Pausable: a.stream}
	return nil
}

// ClientGone is httpx.Disconnecter's.
func (a *attempt) ClientGone() { a.x.Cancel(httpx.ErrClientGone) }

// wait returns the next event of the answer. When the time of the app is over, the
// exchange ends.
func (a *attempt) wait() (shim.Event, error) {
	d := a.deadline
	if a.begun && a.o.StreamTimeout > 0 {
		d = shim.Deadline{Kind: shim.WithinAnswer, From: time.Now(), Limit: a.o.StreamTimeout, Pausable: a.stream}
	}
	e, err := a.x.Wait(d)
	if err == shim.ErrDeadline {
		err = a.over()
	}
	a.head = a.head || e.Kind == shim.EventHead
	return e, err
}

// over ends the exchange whose time is over.
func (a *attempt) over() error {
	why, cause := "no answer within "+a.o.Timeout.String()+": answered 504", errTimeout
	if a.begun {
		why, cause = "silent for "+a.o.StreamTimeout.String()+" within its answer", errSilent
	}
	if err := a.x.Abort(shim.TimeOver, why); errors.Is(err, shim.ErrWorkerGone) { // in the same moment: its record is the one that counts
		return err
	}
	return cause
}

// begin ends the limit on the time until the answer.
func (a *attempt) begin() { a.begun, a.deadline = true, shim.Deadline{} }

// limit is how long the app may work on when its answer is not read: a worker must not
// be lost to a view that hangs. Once its answer has begun the app may be silent for as
// long as it likes: where others run beside it, they are not to lose their worker over
// a client that has left it.
func (a *attempt) limit() time.Duration {
	if a.o.Concurrent && a.head {
		return a.o.StreamTimeout
	}
	return a.o.Timeout
}

// close lets the worker go; the rest of the answer is thrown away.
func (a *attempt) close() { a.x.Close(a.limit()) }

// discard is close for an answer whose body is not wanted although its client is there.
func (a *attempt) discard() {
	a.begin()
	a.x.Discard(a.limit())
}

// end is called last, with the error that the attempt ended with. It waits for the
// upload, but for the rest of a body that still comes.
func (a *attempt) end(err error) {
	if a.conn != nil {
		a.conn.OnDisconnect(nil)
		a.conn = nil
	}
	if !a.o.CancelOnDisconnect || !errors.Is(err, httpx.ErrClientGone) || a.x.Abort(shim.ClientGone, "") != nil {
		a.close()
	}
	if a.upload != nil && !a.upload.detach() {
		a.upload = nil
	}
}

// errAgain wraps the loss of a worker after which the request may be run once more.
var errAgain = errors.New("the request may be run again")

// verdict asks what became of the worker, when it was lost before its answer had
// begun: errAgain is wrapped around an error after which the request may run again;
// why says why it may, or may not.
func (a *attempt) verdict(ctx context.Context, err error) (why string, _ error) {
	if !errors.Is(err, shim.ErrWorkerGone) || errors.Is(err, errCut) {
		return "", err
	}
	again, why := a.x.Retry(ctx)
	if !again {
		return why, err
	}
	return why, fmt.Errorf("%w: %w", errAgain, err)
}
