package shim

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/shim/wire"
)

// Exchange is one request and its answer on one stream of one Conn. Wait is for one
// goroutine at a time; SendBody and Wanted may run in a second one beside it,
// and Cancel in any. doc.go says which method is legal when.
type Exchange struct {
	conn  *Conn
	id    uint32
	label Label
	asked bool // conn.mu guards it: a Recall names it

	reader signal // wakes Wait
	sender signal // wakes SendBody and Wanted; nil: the body went with the Request

	gone      <-chan struct{} // of CancelOn; nil: none
	goneCause error

	until atomic.Int64 // when the deadline is over of a Wait that blocks, by ticks; 0: none

	mu        sync.Mutex
	sent      time.Time // zero: nothing was sent
	since     time.Time // when the worker could begin with it; zero: not yet
	answer    answer
	upload    upload
	cancelled error // of Cancel; nil: it was not called
	watch     watch
	discarded bool // Discard was called
	debugged  bool // a debugger has stood in it
	overrun   *time.Timer
}

// Worker returns the worker's name, "shop/3".
func (x *Exchange) Worker() string { return x.conn.name }

// Label returns what names the request in logs.
func (x *Exchange) Label() Label { return x.label }

// State returns how far the exchange is.
func (x *Exchange) State() InFlight {
	x.mu.Lock()
	defer x.mu.Unlock()
	a := &x.answer
	return InFlight{Label: x.label, Process: x.conn.ends.Process, Sent: x.since, Behind: !x.sent.IsZero() && x.since.IsZero(), Head: a.head != nil, Answered: a.ended,
		Ended: a.finished, Expired: a.expired, Left: a.ignored && !a.expired, Debugged: x.debugged}
}

// Ran is how long the worker has run the request: from when it could begin to the
// answer's end, or until now.
func (x *Exchange) Ran() time.Duration {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.since.IsZero():
		return 0
	case x.answer.finished.IsZero():
		return time.Since(x.since)
	}
	return x.answer.finished.Sub(x.since)
}

// Send sends the environ and the first bytes of the body, at most MaxInline; last:
// the body is complete. It does not wait for the worker. ErrNotStarted comes back
// (wrapped) when the worker had left before; a *wire.ProtocolError when the environ
// is larger than MaxHead.
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

// SendHeld sends the environ of a request whose body is held back until the worker asks for it, which
// Wanted waits for; SendBody sends it then. Where the whole body is in the file at path, of size
// bytes, the worker opens that, and asks when it cannot; the caller keeps the file until Close.
// Without a path it asks when the app reads. Errors are Send's.
func (x *Exchange) SendHeld(vars []wire.Var, path string, size int64) error {
	x.mu.Lock()
	x.upload.state = bodyHeld
	x.mu.Unlock()
	vars = slices.Clip(vars)
	if path != "" {
		vars = append(vars, wire.Var{Name: varBodyFile, Value: path}, wire.Var{Name: varBodySize, Value: strconv.FormatInt(size, 10)})
	} else {
		vars = append(vars, wire.Var{Name: varBodyOnDemand, Value: "1"})
	}
	return x.Send(vars, nil, false)
}

// Started waits until the worker can begin with the request, so that it is not given
// back any more: nil. Errors are ErrNotStarted (wrapped), and SendBody's. It is legal
// after Send without the whole body.
func (x *Exchange) Started() error {
	for {
		x.mu.Lock()
		started, err := !x.since.IsZero(), x.answer.unsendable(x.cancelled)
		x.mu.Unlock()
		switch {
		case started: // it may be answered already
			return nil
		case err != nil:
			return named(x.conn.name, err)
		}
		<-x.sender
	}
}

// Wanted waits until the worker asks for the body of SendHeld: nil. Errors are SendBody's.
func (x *Exchange) Wanted() error {
	for {
		x.mu.Lock()
		wanted, err := x.upload.state == bodyWanted, x.answer.unsendable(x.cancelled)
		x.mu.Unlock()
		if err != nil || wanted {
			return named(x.conn.name, err)
		}
		<-x.sender
	}
}

// SendBody sends further bytes of the body, as fast as the app reads them. It returns
// ErrAnswered when the answer or the exchange has ended, ErrWorkerGone
// (wrapped) when the worker is gone, or the cause of Cancel.
func (x *Exchange) SendBody(p []byte, last bool) error {
	x.mu.Lock()
	x.upload.mark(time.Now(), false)
	x.mu.Unlock()
	for {
		x.mu.Lock()
		n, ok := x.upload.take(len(p))
		err := x.answer.unsendable(x.cancelled)
		x.mu.Unlock()
		if err != nil {
			return named(x.conn.name, err)
		}
		if !ok {
			<-x.sender
			continue
		}
		fl := wire.Flags(0)
		if last && n == len(p) {
			fl = wire.FlagEnd
		}
		if err := x.conn.out.send(true, func(b []byte) ([]byte, error) {
			return wire.AppendFrame(b, wire.Frame{Kind: wire.KindBody, Flags: fl, Stream: x.id, Payload: p[:n]}), nil
		}); err != nil {
			return fmt.Errorf("%s: %w: %w", x.conn.name, ErrWorkerGone, err)
		}
		if p = p[n:]; len(p) == 0 {
			x.mu.Lock()
			x.upload.mark(time.Now(), !last)
			x.mu.Unlock()
			return nil
		}
	}
}

// Wait returns the next event of the answer. When there is none it blocks until one
// comes, until the deadline is over (ErrDeadline), or until Cancel (its cause). It
// returns a *wire.AppError when the app raised, and ErrWorkerGone or ErrNotStarted
// (wrapped) when the worker is gone. Events that are here come first.
func (x *Exchange) Wait(d Deadline) (Event, error) {
	if x.id == 0 { // not sent, so nothing can come
		return Event{}, fmt.Errorf("%s: %w", x.conn.name, ErrNotStarted)
	}
	for woken := false; ; woken = true {
		x.mu.Lock()
		ev, give, ok := x.answer.next()
		if ok {
			x.mu.Unlock() // not deferred: within a loop that costs an allocation
			if give > 0 {
				x.conn.out.window(x.id, give)
			}
			if ev.Kind == EventFile && !settle(x, ev.File) {
				continue
			}
			return ev, nil
		}
		err := x.answer.failed(x.id)
		p := pace{started: x.since, moved: x.upload.moved, starved: x.upload.starved}
		if err != nil {
			err = named(x.conn.name, err)
		} else {
			err = x.cancelled
		}
		x.mu.Unlock()
		switch {
		case err != nil:
			return Event{}, err
		case d.Limit > 0:
			if err := limitWait(x, d, p, woken); err != nil {
				return Event{}, err
			}
		}
		if x.gone == nil {
			<-x.reader
		} else {
			select {
			case <-x.reader:
			case <-x.gone:
				x.Cancel(x.goneCause)
			}
		}
		x.until.Store(0)
	}
}

// limitWait has the Wait woken when d is over, before it blocks. woken: it has blocked before.
// The first time no clock is read: a deadline that is over already wakes it at once.
func limitWait(x *Exchange, d Deadline, p pace, woken bool) error {
	p.resumed, p.paused = x.conn.debugs.resumed()
	at, counts := d.over(p)
	if !counts {
		at = time.Now().Add(d.Limit)
	} else if woken && !at.After(time.Now()) {
		return ErrDeadline
	}
	until := ticks(at)
	x.until.Store(until)
	x.conn.overdue.by(until, x.conn.lookOverdue)
	return nil
}

// settle tells the worker whether its file is sent: it is free from then on, but for
// the app's own close. A file that is none is answered with a refusal, and the body
// comes as bytes.
func settle(x *Exchange, f *File) bool {
	k := wire.KindFileTaken
	taken := f.adopt()
	if !taken {
		k = wire.KindFileRefused
		f.Close()
	}
	x.mu.Lock()
	x.answer.file.taken, x.answer.file.refused = taken, !taken
	x.mu.Unlock()
	_ = x.conn.out.send(false, func(b []byte) ([]byte, error) { // a write that fails shows in what is read
		return wire.AppendFrame(b, wire.Frame{Kind: k, Stream: x.id}), nil
	})
	return taken
}

// CancelOn has Cancel called with cause when gone is closed, as soon as a Wait
// blocks. It is called before Wait.
func (x *Exchange) CancelOn(gone <-chan struct{}, cause error) { x.gone, x.goneCause = gone, cause }

// Cancel ends the waits of Wait, SendBody and Wanted; the first cause counts.
// The exchange is still to be ended.
func (x *Exchange) Cancel(cause error) {
	x.mu.Lock()
	if x.cancelled == nil {
		x.cancelled = cause
	}
	x.mu.Unlock()
	x.reader.wake()
	x.sender.wake()
}

// Watcher hears that the bytes of an answer are not taken as fast as they come.
type Watcher interface {
	// Behind is called once, on the Conn's reader and within the Exchange's lock:
	// it must not wait, nor call the Exchange. It is not called after Close.
	Behind()
}

// Watch makes w hear when the reader of the answer has fallen behind; it may be
// at once. It is called after the head.
func (x *Exchange) Watch(w Watcher) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.watch.w = w
	x.watch.look(&x.answer)
}

// watch tells a Watcher once.
type watch struct{ w Watcher } // nil: none, or told

func (w *watch) look(a *answer) {
	if w.w != nil && a.behind() {
		told := w.w
		w.w = nil
		told.Behind()
	}
}

// take enters one frame of this stream. It runs on the Conn's reader, in which the
// payload lies.
func (x *Exchange) take(f wire.Frame, fr keeper) error {
	var err error
	give, body := 0, false
	x.mu.Lock()
	a := &x.answer
	if f.Kind == wire.KindWindow || f.Kind == wire.KindBodyWanted && !a.holding {
		err, body = x.upload.step(f), true
	} else {
		err = a.step(f, memory{fr, x.conn.shared.Load()})
	}
	x.watch.look(a)
	ended, done := a.ended, a.done()
	var now time.Time
	if ended {
		now = time.Now()
		a.end(now)
		stopOverrun(x)
	} else if err == nil {
		give = a.refill()
	}
	x.mu.Unlock()
	if give > 0 {
		x.conn.out.window(x.id, give)
	}
	if !body || ended {
		x.reader.wake()
	}
	if body || ended {
		x.sender.wake()
	}
	if done && x.conn.finish(x, now) {
		x.conn.owner.Freed(x, Clean)
	}
	return err
}

// takeFile enters the file that is the body.
func (x *Exchange) takeFile(f *File) error {
	x.mu.Lock()
	p := &x.answer.file
	again := p.came
	p.came = true
	unwanted := again || x.answer.ignored || x.answer.ended
	if !unwanted {
		p.file = f
	}
	x.mu.Unlock()
	if again {
		f.Close()
		return wire.Errorf(nil, "a second File on stream %d", x.id)
	}
	if unwanted { // the worker hears of it, or has
		f.Close()
		return nil
	}
	x.reader.wake()
	return nil
}

// fail ends the answer from outside the stream: its Conn failed (nil), or its worker
// gave it back.
func (x *Exchange) fail(cause error) {
	x.mu.Lock()
	a := &x.answer
	if !a.ended {
		if a.err = cause; cause == nil {
			if a.err = ErrWorkerGone; x.since.IsZero() {
				a.err = ErrNotStarted
			}
		} else {
			x.sent, x.since = time.Time{}, time.Time{}
		}
		a.ended = true
	}
	a.holding = false
	a.end(time.Now())
	stopOverrun(x)
	x.mu.Unlock()
	x.reader.wake()
	x.sender.wake()
}
