package http1

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// body is the body of one request. One goroutine may read it while the connection's own
// ends the request: the read fails then, and takes nothing of the next request. A body is
// never used for a second request.
type body struct {
	mu     sync.Mutex // held for the time of a read
	c      *conn
	in     *input
	left   int64 // of a body with Content-Length
	chunks *chunks
	err    error // what every further read returns; io.EOF: the body was read to its end

	state sync.Mutex
	begun bool // a read was asked for
	whole bool // the body was read to its end
}

// newBody returns the body of the request whose head is h.
func newBody(c *conn, in *input, h *head, lim *limits) *body {
	b := &body{c: c, in: in, left: h.length}
	if h.length < 0 {
		b.chunks = &chunks{maxFields: lim.fields}
	}
	return b
}

// Read reads. The first one has "100 Continue" sent, where the client waits for it. Errors:
// io.EOF, io.ErrUnexpectedEOF where the client ended the connection, *Refusal for a broken
// frame, and those of the connection.
func (b *body) Read(p []byte) (n int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return 0, b.err
	}
	b.state.Lock()
	b.begun = true
	b.state.Unlock()
	if err := b.c.s.answer.out.sendContinue(); err != nil {
		return 0, err
	}
	if b.chunks != nil {
		n, err = b.chunks.read(b, p)
	} else {
		n, err = b.sized(p)
	}
	switch {
	case err == nil || isTimeout(err): // the deadline may be moved
	default:
		b.err = err
		if err == io.EOF {
			b.state.Lock()
			b.whole = true
			b.state.Unlock()
			b.c.link.WatchRequest(b.c) // the last byte of the request was read
		}
	}
	return n, err
}

// sized reads a body of known length (RFC 9112 6.3).
func (b *body) sized(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	p = p[:min(int64(len(p)), b.left)]
	if have := b.in.buffered(); len(have) > 0 {
		n = copy(p, have)
		b.in.take(n)
	} else if n, err = b.readInto(p); n == 0 {
		return 0, unexpected(err)
	}
	if b.left -= int64(n); b.left == 0 {
		return n, io.EOF
	}
	return n, nil
}

// Close does nothing: the connection drains or ends what was not read.
func (b *body) Close() error { return nil }

// The source of chunks: waits have the request's deadline.

func (b *body) buffered() []byte { return b.in.buffered() }
func (b *body) take(n int)       { b.in.take(n) }

func (b *body) fill() error {
	return b.wait(func() error { return b.in.fill() })
}

func (b *body) readInto(p []byte) (n int, err error) {
	err = b.wait(func() error { n, err = b.in.readInto(p); return err })
	return n, err
}

func (b *body) wait(read func() error) error {
	d := &b.c.deadline
	for {
		if err := d.begin(b.c.link); err != nil {
			return err
		}
		err := read()
		if !d.end(err) {
			return err
		}
	}
}

// started reports whether a read was asked for, and complete whether the body was read to its
// end.
func (b *body) started() (started, complete bool) {
	b.state.Lock()
	defer b.state.Unlock()
	return b.begun, b.whole
}

// end makes further reads fail. It waits for a read that is under way, which the caller has
// ended, if it may last.
func (b *body) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = http.ErrBodyReadAfterClose
	}
}

// drain reads the rest and discards it, most bytes at most. It reports whether that was all.
func (b *body) drain(most int64) bool {
	p := drainBuffers.Get().(*[8 << 10]byte)
	defer drainBuffers.Put(p)
	for most > 0 {
		n, err := b.Read(p[:min(most, int64(len(p)))])
		if most -= int64(n); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
	return false
}

var drainBuffers = sync.Pool{New: func() any { return new([8 << 10]byte) }}
