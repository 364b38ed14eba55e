package h3

import (
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// ServeHTTP answers one request.
func (c *conn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !c.enter() {
		panic(http.ErrAbortHandler)
	}
	defer c.exit()
	select {
	case c.places <- struct{}{}:
		defer func() { <-c.places }()
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	}
	early := c.early()
	if early && !safe(r.Method) {
		select {
		case <-c.q.HandshakeComplete():
			early = false
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	c.answer(w, r, early)
}

// early reports that the handshake is not complete: what has come may be a copy of what the client
// has sent before.
func (c *conn) early() bool {
	select {
	case <-c.q.HandshakeComplete():
		return false
	default:
		return true
	}
}

// safe: a copy of the request does no harm (RFC 9110 9.2.1). Others wait for the end of the
// handshake, which the sender of a copy cannot bring about (RFC 8470 3). That takes as long as a
// further attempt after a 425 would, and does not depend on the client, which may be unable to
// send a body once more.
func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

var writers = sync.Pool{New: func() any { return new(httpx.Writer) }}

func (c *conn) answer(w http.ResponseWriter, r *http.Request, early bool) {
	start := time.Now()
	ends, state := c.met()
	answer := &writer{inner: w, to: http.NewResponseController(w), head: r.Method == http.MethodHead, c: c}
	rec := writers.Get().(*httpx.Writer)
	rec.Reset(answer)
	rec.Info.Met(start, ends)
	own := *r // quic-go sets the trailers of the other one when the body has come
	own.Proto, own.Trailer, own.TLS = "HTTP/3.0", nil, state
	if early { // RFC 8470 5.1: an app, or a server behind this one, may answer 425
		own.Header["Early-Data"] = []string{"1"}
	}
	if own.ContentLength < 0 && safe(r.Method) {
		c.peek(answer, &own)
	}
	if own.Body != nil && own.Body != http.NoBody {
		own.Body = upload{own.Body}
	}
	c.srv.handler.ServeHTTP(rec, &own)
	aborted := rec.Aborted()
	if !aborted {
		aborted = !answer.finish()
	}
	rec.Reset(nil)
	writers.Put(rec)
	if aborted {
		panic(http.ErrAbortHandler) // the one way to have quic-go reset a stream
	}
}

// peek finds out whether a request has a body: most of these have none, and QUIC tells only with
// the end of the stream, which comes with the head.
func (c *conn) peek(w *writer, r *http.Request) {
	_ = w.to.SetReadDeadline(time.Now().Add(c.srv.o.HeaderTimeout))
	first := make([]byte, 1)
	n, err := r.Body.Read(first)
	_ = w.to.SetReadDeadline(time.Time{})
	switch {
	case n > 0:
		r.Body = &peeked{r.Body, first}
	case err == io.EOF:
		r.Body, r.ContentLength = http.NoBody, 0
	}
}

// peeked is a body of which the first byte was read.
type peeked struct {
	io.ReadCloser
	first []byte
}

func (p *peeked) Read(b []byte) (int, error) {
	if len(p.first) > 0 {
		n := copy(b, p.first)
		p.first = p.first[n:]
		return n, nil
	}
	return p.ReadCloser.Read(b)
}
