package body

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/spool"
)

// Options are the limits of one request body.
type Options struct {
	// Max bounds the body in bytes, chunked ones too; 0: no limit.
	Max int64
	// Pace is how slow the client may be.
	Pace httpx.Pace
	// Spool holds the body that Buffer reads.
	Spool *spool.Spool
}

// Body is the body of one request. Its owner calls Begin first and Free last, and reads
// the body either whole (Buffer) or while it comes (Stream, then Read). One goroutine may
// read while another one calls Stop, Cut, AnsweredEarly or Err.
//
// No byte is read before Buffer or Read is called: net/http sends "100 Continue" at the
// first read (RFC 9110 10.1.1), and a client that is refused need not upload.
type Body struct {
	w        http.ResponseWriter
	r        *http.Request
	info     *httpx.RequestInfo
	o        Options
	present  bool
	buffer   *spool.Buffer // nil: the body was not read by Buffer
	patience httpx.Patience

	reading sync.Mutex // held for the time of a read; guards buffer while readers have it

	mu       sync.Mutex // guards what follows
	active   bool       // a read from the client is under way
	started  bool       // such a read has begun
	streamed bool       // the body goes on while it comes
	stopped  bool
	complete bool
	received int64
	err      error     // why the body will not be complete
	last     time.Time // no read may last longer; zero: no such moment
}

// Begin prepares b for the request r, which w answers.
func (b *Body) Begin(w http.ResponseWriter, r *http.Request, o Options) {
	b.w, b.r = w, r
	b.present = r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0
	if b.present {
		b.o, b.info = o, httpx.Of(w)
		b.patience.Begin(o.Pace)
	}
}

// Present reports whether the request has a body.
func (b *Body) Present() bool { return b.present }

// Check refuses a body whose declared length is beyond Max.
func (b *Body) Check() error {
	if n := b.r.ContentLength; b.present && b.o.Max > 0 && n > b.o.Max {
		return fmt.Errorf("%w (%d bytes declared, %d allowed)", ErrTooLarge, n, b.o.Max)
	}
	return nil
}

// Buffer reads the whole body into the spool.
func (b *Body) Buffer() error {
	b.buffer = b.o.Spool.Take(spool.ClientKey(b.info.RemoteAddr))
	defer func() { b.info.Receive, b.info.Received = time.Since(b.info.Start), b.buffer.Size() }()
	if err := b.buffer.Fits(b.r.ContentLength); err != nil {
		return err
	}
	return b.buffer.Fill(fill{b})
}

// fill reads for Buffer.
type fill struct{ b *Body }

func (f fill) Read(p []byte) (int, error) { return f.b.read(p) }

// Buffered is the body that Buffer has read; nil: there is none.
func (b *Body) Buffered() *spool.Buffer { return b.buffer }

// Stream says that the body goes on while it comes. Read may be called afterwards.
func (b *Body) Stream() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.streamed = true
}

// Read reads the body while it comes. Its errors are those of this package, and io.EOF.
func (b *Body) Read(p []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	return b.read(p)
}

func (b *Body) read(p []byte) (int, error) {
	if err := b.enter(); err != nil {
		return 0, err
	}
	start := time.Now()
	n, err := b.r.Body.Read(p)
	return b.leave(n, err, time.Since(start))
}

// enter sets the deadline of the next read. A deadline that was set before is over.
func (b *Body) enter() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.err != nil:
		return b.err
	case b.complete:
		return io.EOF
	case b.stopped:
		return ErrStopped
	}
	deadline := b.last
	if b.patience.Silence > 0 {
		if at := time.Now().Add(max(b.patience.Left(), 0)); deadline.IsZero() || at.Before(deadline) {
			deadline = at
		}
	}
	b.setReadDeadline(deadline)
	b.active, b.started = true, true
	return nil
}

// leave accounts for a read and returns what the reader gets.
func (b *Body) leave(n int, err error, took time.Duration) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.active = false
	b.received += int64(n)
	inTime := b.patience.Spend(took, int64(n))
	if err == io.EOF {
		b.info.BodyRead = true
	}
	switch {
	case b.stopped && err != nil && err != io.EOF:
		return 0, ErrStopped
	case b.o.Max > 0 && b.received > b.o.Max:
		b.err = fmt.Errorf("%w (%d bytes)", ErrTooLarge, b.o.Max)
	case err != nil && err != io.EOF:
		b.err = cause(err)
	case err == nil && !inTime:
		b.err = ErrStalled
	}
	if b.err != nil {
		return 0, b.err
	}
	if err == io.EOF {
		b.complete = true
		if b.o.Pace.Silence > 0 { // else net/http takes the deadline for the client's end
			b.setReadDeadline(time.Time{})
		}
	}
	return n, err
}

// setReadDeadline sets the deadline of the client's connection; not every server has one.
func (b *Body) setReadDeadline(at time.Time) {
	_ = http.NewResponseController(b.w).SetReadDeadline(at)
}

// Err is why the body will not be complete; nil: nothing failed yet.
func (b *Body) Err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// Complete reports whether the body was read to its end.
func (b *Body) Complete() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.complete
}

// Pending reports whether the client may still send a body that nothing reads.
func (b *Body) Pending() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.present && !b.complete && !b.streamed
}

// Repeatable reports whether the body, if there is one, can be read again from its begin.
func (b *Body) Repeatable() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer != nil || !b.started
}

// Stop ends a read that waits for the client, and forbids further ones. It does not wait
// for the reader.
func (b *Body) Stop() { b.stop(true, false) }

// Cut is Stop, and the connection is of no use for another request unless the body is
// complete: net/http would wait for the rest of the body.
func (b *Body) Cut() { b.stop(true, true) }

// interrupt ends a read that waits for the client, if there is one, and then forbids
// further ones.
func (b *Body) interrupt() { b.stop(false, false) }

func (b *Body) stop(always, cut bool) {
	if !b.present {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.complete || !b.active && !always {
		return
	}
	b.stopped = true
	if b.active || cut {
		b.setReadDeadline(time.Unix(1, 0))
	}
}

// continueTime is the time that AnsweredEarly leaves to the client.
const continueTime = time.Second

// AnsweredEarly is called when the response has gone out before the body came. A client
// that waits for "100 Continue" need not send its body when it gets a final response
// instead, so it has a moment to begin, and not all of its Pace.
func (b *Body) AnsweredEarly() {
	if !b.present || !expectsContinue(b.r) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.received == 0 && !b.complete {
		b.last = time.Now().Add(continueTime)
		b.setReadDeadline(b.last)
	}
}

// expectsContinue: the client waits for "100 Continue" and sends nothing without it.
func expectsContinue(r *http.Request) bool {
	for _, v := range r.Header["Expect"] {
		if strings.EqualFold(strings.TrimSpace(v), "100-continue") {
			return true
		}
	}
	return false
}

// smallRest is what net/http itself reads of a body that nobody wants, so that the
// connection can be used again; bytes.
const smallRest = 256 << 10

// Refuse prepares a response that goes out while the client may still send: it frees what
// was buffered, and has the connection closed in h where net/http would not read the rest.
// The connection lingers until the client has the response (Linger).
func (b *Body) Refuse(h http.Header) {
	b.Free()
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := b.r.ContentLength; b.streamed || n < 0 || n > smallRest {
		h["Connection"] = []string{"close"}
	}
}

// Free waits until no read is under way and gives back what Buffer has taken. A second
// call does nothing.
func (b *Body) Free() {
	if !b.present {
		return
	}
	b.reading.Lock()
	defer b.reading.Unlock()
	if b.buffer != nil {
		b.buffer.Close()
		b.buffer = nil
	}
}
