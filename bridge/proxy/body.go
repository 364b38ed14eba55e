package proxy

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// errOver: a transport reads a request body after its request is over.
var errOver = errors.New("the request is over")

// body is a request body for one upstream after the other. A transport may read on
// after it has returned, so every read is under mu, and end comes between them.
type body struct {
	t *turn

	mu      sync.Mutex
	whole   *httpx.Buffer // nil: none, or it goes on as it comes
	stream  bool
	reader  httpx.BodyReader
	started bool  // some of a stream has gone
	got     int64 // octets of a stream
	err     error // of reading from the client
	over    bool
}

// take reads the body whole, unless it may go on as it comes. Refusals come before
// the first read, which is when net/http sends "100 Continue" (RFC 9110 10.1.1).
func (b *body) take(r *http.Request) error {
	o := b.t.o
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil
	}
	if o.MaxBody > 0 && r.ContentLength > o.MaxBody {
		return fmt.Errorf("%w (%d octets declared, %d allowed)", httpx.ErrTooLarge, r.ContentLength, o.MaxBody)
	}
	b.reader.Begin(b.t.w, r, o.BodyPace)
	if o.Unbuffered && (r.ContentLength > 0 || o.speakHTTP()) {
		b.stream = true
		return nil
	}
	b.whole = o.Spool.Take(httpx.ClientKey(b.t.info.RemoteAddr))
	if err := b.whole.Fits(r.ContentLength); err != nil {
		return err
	}
	if err := b.whole.Fill(&b.reader, o.MaxBody); err != nil {
		return httpx.BodyError(err)
	}
	b.reader.Done()
	return nil
}

// attach gives out the body.
func (b *body) attach(out *http.Request) {
	switch {
	case b.whole != nil:
		out.Body = &reader{b: b}
		out.GetBody = func() (io.ReadCloser, error) { return &reader{b: b}, nil } // a kept connection may have ended
		out.ContentLength, out.TransferEncoding = b.whole.Size(), nil
		out.Header.Del("Expect") // answered, and read
	case b.stream:
		out.Body = &reader{b: b}
	default:
		out.Body = http.NoBody
	}
}

// again: the body, if there is one, can be sent from its begin.
func (b *body) again() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.stream || !b.started
}

// failed is what went wrong on the client's side.
func (b *body) failed() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// end: the handler returns. No read is under way afterwards.
func (b *body) end() {
	if b.stream && !b.mu.TryLock() { // a read waits for the client
		_ = b.t.rc.SetReadDeadline(time.Unix(1, 0))
		b.mu.Lock()
	} else if !b.stream {
		b.mu.Lock()
	}
	defer b.mu.Unlock()
	b.over = true
	if b.whole != nil {
		b.whole.Close()
		b.whole = nil
	}
}

// reader is the body for one try.
type reader struct {
	b   *body
	off int64
}

func (r *reader) Read(p []byte) (int, error) {
	b := r.b
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.over:
		return 0, errOver
	case b.err != nil:
		return 0, b.err
	case b.whole != nil:
		if r.off >= b.whole.Size() {
			return 0, io.EOF
		}
		n, err := b.whole.ReadAt(p, r.off)
		r.off += int64(n)
		if n > 0 && err == io.EOF {
			err = nil
		}
		return n, err
	}
	b.started = true
	n, err := b.reader.Read(p)
	b.got += int64(n)
	if o := b.t.o; o.MaxBody > 0 && b.got > o.MaxBody {
		err = fmt.Errorf("%w (%d octets)", httpx.ErrTooLarge, o.MaxBody)
	}
	if err != nil && err != io.EOF {
		b.err = httpx.BodyError(err)
		return 0, b.err
	}
	return n, err
}

// Close ends a read that waits for the client. The body itself is the handler's.
func (r *reader) Close() error {
	if r.b.stream && !r.b.mu.TryLock() {
		_ = r.b.t.rc.SetReadDeadline(time.Unix(1, 0))
	} else if r.b.stream {
		r.b.mu.Unlock()
	}
	return nil
}
