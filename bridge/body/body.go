package body

import (
	"fmt"
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
// No byte is read before Buffer or Read is called: the way in sends "100 Continue" at the
// first read (RFC 9110 10.1.1), and a client that is refused need not upload.
type Body struct {
	o        Options
	present  bool
	streamed bool          // it is forwarded while it comes
	buffer   *spool.Buffer // nil: the body was not read by Buffer
	src      source

	reading sync.Mutex // held for the time of a read; guards buffer while readers have it
}

// Begin prepares b for the request r, which w answers.
func (b *Body) Begin(w http.ResponseWriter, r *http.Request, o Options) {
	b.src.r = r
	b.present = r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0
	if b.present {
		b.o = o
		b.src.w, b.src.info, b.src.max = w, httpx.Of(w), o.Max
		b.src.patience.Begin(o.Pace)
	}
}

// Present reports whether the request has a body.
func (b *Body) Present() bool { return b.present }

// Check refuses a body whose declared length is beyond Max.
func (b *Body) Check() error {
	if n := b.src.r.ContentLength; b.present && b.o.Max > 0 && n > b.o.Max {
		return fmt.Errorf("%w (%d bytes declared, %d allowed)", ErrTooLarge, n, b.o.Max)
	}
	return nil
}

// Buffer reads the whole body into the spool.
func (b *Body) Buffer() error {
	info := b.src.info
	b.buffer = b.o.Spool.Take(spool.ClientKey(info.RemoteAddr))
	defer func() { info.Receive, info.Received = time.Since(info.Start), b.buffer.Size() }()
	if err := b.buffer.Fits(b.src.r.ContentLength); err != nil {
		return err
	}
	return b.buffer.Fill(&b.src)
}

// Buffered is the body that Buffer has read; nil: there is none.
func (b *Body) Buffered() *spool.Buffer { return b.buffer }

// Stream says that the body is forwarded while it comes. Read may be called afterwards.
func (b *Body) Stream() { b.streamed = true }

// Read reads the body while it comes. Its errors are those of this package, and io.EOF.
func (b *Body) Read(p []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	return b.src.Read(p)
}

// Err is why the body will not be complete; nil: nothing failed yet.
func (b *Body) Err() error {
	b.src.mu.Lock()
	defer b.src.mu.Unlock()
	return b.src.err
}

// Complete reports whether the body was read to its end.
func (b *Body) Complete() bool {
	b.src.mu.Lock()
	defer b.src.mu.Unlock()
	return b.src.complete
}

// Pending reports whether the client may still send a body that nothing reads.
func (b *Body) Pending() bool { return b.present && !b.streamed && !b.Complete() }

// Repeatable reports whether the body, if there is one, can be read again from its begin.
func (b *Body) Repeatable() bool {
	b.src.mu.Lock()
	defer b.src.mu.Unlock()
	return b.buffer != nil || !b.src.started
}

// Stop ends a read that waits for the client, and forbids further ones. It does not wait for
// the reader.
func (b *Body) Stop() {
	if b.present {
		b.src.stop(true, false)
	}
}

// Cut is Stop, and the connection is of no use for another request unless the body is
// complete.
func (b *Body) Cut() {
	if b.present {
		b.src.stop(true, true)
	}
}

// continueTime is the time that AnsweredEarly leaves to the client.
const continueTime = time.Second

// AnsweredEarly is called when the response has gone out before the body came. A client that
// waits for "100 Continue" need not send its body when it gets a final response instead, so it
// has a moment to begin, and not all of its Pace.
func (b *Body) AnsweredEarly() {
	if b.ExpectsContinue() {
		b.src.hurry(continueTime)
	}
}

// ExpectsContinue reports whether the client waits for "100 Continue", and sends nothing without
// it.
func (b *Body) ExpectsContinue() bool {
	if !b.present {
		return false
	}
	for _, v := range b.src.r.Header["Expect"] {
		if strings.EqualFold(strings.TrimSpace(v), "100-continue") {
			return true
		}
	}
	return false
}

// smallRest is what the way in itself reads of a body that nothing reads, so that the connection
// can be used again; bytes.
const smallRest = 256 << 10

// Refuse prepares a response that goes out while the client may still send: it frees the
// buffer, and has the connection closed in h where the way in would not read the rest. The
// connection lingers until the client has the response.
func (b *Body) Refuse(h http.Header) {
	b.Free()
	if n := b.src.r.ContentLength; b.streamed || n < 0 || n > smallRest {
		h["Connection"] = []string{"close"}
	}
}

// Free waits until no read is under way and gives back what Buffer has taken. A second call
// does nothing.
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
