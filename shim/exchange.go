package shim

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/standpipe/standpipe/shim/wire"
)

// Exchange is one request and its answer on one stream of one Conn. Its methods
// are for one goroutine, but SendBody and FileRefused may run in a second one
// beside Head and Next. Close ends it in any case.
type Exchange struct {
	conn  *Conn
	id    uint32
	label Label

	wakeRead chan struct{} // capacity 1: something below has changed
	wakeSend chan struct{} // likewise, for who sends the body; nil: it went with the Request
	asked    bool          // conn.mu guards it: a Recall names it

	mu       sync.Mutex
	sent     time.Time // zero: nothing was sent
	since    time.Time // when the worker could begin with it; zero: not yet
	credit   int       // body octets that may be sent
	allowed  int       // body octets that the worker may send
	taken    int       // octets read by Next since the last Window
	queued   int       // octets in shared memory that Next has not read
	file     fileState
	hints    [][]wire.Field // early hints that nobody has taken
	hinted   int            // how many came
	head     *wire.Head
	answer   wire.Head     // where head points, once it has come
	fields   [6]wire.Field // of most answers
	whole    bool          // the whole answer came in its Head frame
	chunks   []chunk
	one      [1]chunk // chunks begins here
	lent     []chunk  // what Next has returned, until Done or Release
	two      [2]chunk // lent begins here: one who writes, and the pump beside him
	ended    bool     // the worker has ended the answer, or died
	passed   passing  // a file in place of the body
	held     bool     // ended, but the worker is busy with the stream until a further End
	err      error
	closed   bool
	endedAt  time.Time   // when the answer ended; zero: not yet
	watcher  Watcher     // nil: none, or told
	unwanted bool        // Discard was called
	expired  bool        // Expire or Abandon was called while the worker was busy with it
	limit    *time.Timer // of CloseWithin; nil: none
}

// Worker returns the worker's name, "shop/3".
func (x *Exchange) Worker() string { return x.conn.name }

// Label returns what names the request in logs.
func (x *Exchange) Label() Label { return x.label }

// Sent returns since when the worker may run the request: when it was sent, or
// when what was before it at the worker had ended. Zero: not yet.
func (x *Exchange) Sent() time.Time {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.since
}

func (x *Exchange) inFlight() InFlight {
	x.mu.Lock()
	defer x.mu.Unlock()
	return InFlight{Label: x.label, Sent: x.since, Behind: !x.sent.IsZero() && x.since.IsZero(), Head: x.head != nil, Answered: x.ended,
		Expired: x.expired, Left: x.closed && !x.expired}
}

// Send sends the environ and the first octets of the body, at most MaxInline;
// last: the body is complete. It does not wait for the worker. ErrNotStarted
// comes back (wrapped) when the worker had left before; a *ProtocolError when
// the environ is larger than MaxHead.
func (x *Exchange) Send(vars []wire.Var, body []byte, last bool) error {
	flush, behind, err := x.conn.request(x, vars, body, last)
	if flush {
		if behind && len(body) < largeBody { // the worker is in no hurry: what others are about to send goes with it, in one write and one read
			runtime.Gosched()
		}
		if err = x.conn.out.flushNow(); err != nil {
			x.mu.Lock()
			x.sent, x.since = time.Time{}, time.Time{}
			x.mu.Unlock()
		}
	}
	if err == nil {
		return nil
	}
	if _, ok := err.(*wire.ProtocolError); ok {
		return err
	}
	return fmt.Errorf("%s: %w: %w", x.conn.name, ErrNotStarted, err)
}

// failed says how an answer has ended: io.EOF, or what failure says.
func (x *Exchange) failed() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.err == nil {
		return io.EOF
	}
	return x.failure()
}

// failure gives x.err the worker's name. mu is held.
func (x *Exchange) failure() error {
	if _, ok := x.err.(*wire.AppError); ok || x.err == io.EOF {
		return x.err
	}
	return fmt.Errorf("%s: %w", x.conn.name, x.err)
}

// Head waits for the answer's status and fields. It returns an *AppError when
// the app raised, ErrWorkerGone or ErrNotStarted (wrapped), or ctx's error.
func (x *Exchange) Head(ctx context.Context) (*wire.Head, error) {
	if x.id == 0 { // not sent, so nothing can come
		return nil, fmt.Errorf("%s: %w", x.conn.name, ErrNotStarted)
	}
	for {
		x.mu.Lock()
		h, ended := x.head, x.ended
		x.mu.Unlock() // not deferred: within a loop that costs an allocation
		if h != nil {
			return h, nil
		}
		if ended {
			return nil, x.failed()
		}
		select {
		case <-x.wakeRead:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Close ends the exchange, but for what Next has returned. What has not been read of the answer is thrown away
// when it comes.
func (x *Exchange) Close() Outcome {
	x.mu.Lock()
	if x.closed {
		x.mu.Unlock()
		return Clean
	}
	x.closed = true
	for _, c := range x.chunks {
		c.free()
	}
	x.chunks = nil
	x.passed.drop()
	ended, unsent, expired := x.ended || x.passed.taken, x.sent.IsZero(), x.expired // the worker only closes what it has passed
	unwanted := x.unwanted
	broken := x.id != 0 && (x.err == ErrWorkerGone || x.err == ErrNotStarted)
	give := 0
	if !ended { // the app must not wait for a reader that has left
		give = wire.Window - x.allowed
		x.allowed = wire.Window
	}
	x.mu.Unlock()
	switch {
	case broken:
		return Broken
	case ended:
		return Clean
	case unsent:
		if x.id == 0 || x.conn.finish(x) {
			x.conn.owner.Freed(x, Clean)
		}
		return Clean
	}
	if give > 0 {
		x.conn.window(x.id, give)
	}
	if expired { // the owner sends Interrupt when it has the stacks: the app must not move before
		return Cancelled
	}
	if !unwanted {
		_ = x.conn.order(wire.KindCancel, x.id) // without a control socket the app runs to its end
	}
	return Cancelled
}

// take acts on one frame of this stream. It runs on the Conn's reader, in which the
// payload lies.
func (x *Exchange) take(f wire.Frame, fr keeper) error {
	x.mu.Lock()
	err := x.takeLocked(f, fr)
	ended, done := x.ended, x.done()
	if ended {
		x.passed.drop()
	}
	if ended && x.endedAt.IsZero() {
		x.endedAt = time.Now()
	}
	x.stopLimit()
	give := 0
	if x.closed && !ended && err == nil && wire.Window-x.allowed >= wire.Window/2 {
		give = wire.Window - x.allowed // nobody reads: let the app run on
		x.allowed = wire.Window
	}
	x.mu.Unlock()
	if give > 0 {
		x.conn.window(x.id, give)
	}
	wake(x.wakeRead)
	if ended || f.Kind == wire.KindWindow || f.Kind == wire.KindBodyWanted {
		wake(x.wakeSend)
	}
	if done && x.conn.finish(x) {
		x.conn.owner.Freed(x, Clean)
	}
	return err
}

func (x *Exchange) takeLocked(f wire.Frame, fr keeper) error {
	if x.held && f.Kind != wire.KindWindow {
		if f.Kind != wire.KindEnd || f.Held() {
			return wire.Errorf(nil, "%v frame on stream %d after the end of its answer", f.Kind, x.id)
		}
		x.held = false
		return nil
	}
	if f.Held() {
		x.held = true
	}
	switch f.Kind {
	case wire.KindWindow:
		n, err := wire.DecodeWindow(f.Payload)
		if err != nil {
			return err
		}
		if x.credit += n; x.credit > wire.Window {
			return wire.Errorf(nil, "credit of %d octets on stream %d; the window is %d", x.credit, x.id, wire.Window)
		}
	case wire.KindBodyWanted:
		if x.file != fileSent {
			return wire.Errorf(nil, "a BodyWanted on stream %d, which has no file to refuse", x.id)
		}
		x.file = fileRefused
	case wire.KindEarlyHints:
		return x.takeHints(f.Payload)
	case wire.KindHead:
		if x.head != nil {
			return wire.Errorf(nil, "a second Head on stream %d", x.id)
		}
		h := &x.answer
		body, err := h.Decode(f.Payload, x.fields[:0])
		if err != nil {
			return err
		}
		x.head = h
		x.whole = f.End()
		if h.File = f.Flags&wire.FlagFile != 0; h.File && len(body) > 0 {
			return wire.Errorf(nil, "a Head with a file and with %d octets of body on stream %d", len(body), x.id)
		}
		return x.data(body, f, fr)
	case wire.KindBody:
		if x.head == nil {
			return wire.Errorf(nil, "a Body before its Head on stream %d", x.id)
		}
		if x.head.File && !x.passed.refused && !x.closed {
			return wire.Errorf(nil, "a Body in place of the file on stream %d", x.id)
		}
		return x.data(f.Payload, f, fr)
	case wire.KindEnd:
		if x.head == nil && !x.closed && !x.expired {
			return wire.Errorf(nil, "an End before its Head on stream %d", x.id)
		}
		x.ended = true
	case wire.KindError:
		m, err := wire.DecodeError(f.Payload)
		if err != nil {
			return err
		}
		x.err, x.ended = m, true
	}
	return nil
}

// broken ends the exchange because its Conn failed.
func (x *Exchange) broken() {
	x.mu.Lock()
	x.held = false
	x.passed.drop()
	if !x.ended {
		x.ended, x.endedAt = true, time.Now()
		if x.err = ErrWorkerGone; x.since.IsZero() {
			x.err = ErrNotStarted
		}
	}
	x.stopLimit()
	x.mu.Unlock()
	wake(x.wakeRead)
	wake(x.wakeSend)
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
