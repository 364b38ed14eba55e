package http1

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// writer is the http.ResponseWriter of one request (RFC 9112 4 to 7). The head is encoded
// when the status is set, and goes out with the first bytes of the body.
type writer struct {
	c      *conn
	header http.Header
	minor  int    // of the request's version
	method string // of the request

	status   int
	declared int64 // Content-Length; -1: none
	written  int64 // bytes of body that the handler gave
	chunked  bool
	headed   bool // the head in out is complete
	hijacked bool

	out  sender
	head encoder
}

// begin prepares w for the answer to a request.
func (w *writer) begin(c *conn, method string, minor int, expects bool) {
	if w.header == nil {
		w.header = make(http.Header, 16)
	}
	w.c, w.method, w.minor = c, method, minor
	w.status, w.declared, w.written = 0, -1, 0
	w.chunked, w.headed, w.hijacked = false, false, false
	w.out.begin(c.link, expects)
	w.head.begin()
}

// Header returns the fields of the answer.
func (w *writer) Header() http.Header { return w.header }

// EndAfter is httpx.Connection's.
func (w *writer) EndAfter() { w.c.last.Store(true) }

// OnDisconnect is httpx.Connection's.
func (w *writer) OnDisconnect(d httpx.Disconnecter) { w.c.s.req.ctx.notify(d) }

// WaitContext is httpx.Connection's.
func (w *writer) WaitContext() context.Context { return waitContext{w.c.s.req.ctx} }

// WriteHeader sets the status and encodes the fields. An informational status goes out at
// once (RFC 9110 15.2): not to a client of HTTP/1.0, and not behind the final head.
func (w *writer) WriteHeader(status int) {
	switch {
	case w.status != 0 || w.hijacked:
	case status < 200 && status != http.StatusSwitchingProtocols:
		if w.minor > 0 && w.out.err == nil {
			w.out.inform(status, func(b []byte) []byte { return w.head.informational(b, w.header) })
		}
	default:
		w.status = status
		w.out.buf = w.head.final(w.out.buf, status, w.header)
		if w.head.close {
			w.c.last.Store(true)
		}
		w.declared = w.head.length
	}
}

// hasBody: RFC 9110 6.4.1, 15.3.6.
func (w *writer) hasBody() bool {
	switch w.status {
	case http.StatusNoContent, http.StatusResetContent, http.StatusNotModified:
		return false
	}
	return w.method != http.MethodHead && w.status >= 200
}

// endsWithConnection reports an answer of which the client knows the end by the end of the
// connection alone (RFC 9112 6.3).
func (w *writer) endsWithConnection() bool {
	return w.headed && w.hasBody() && w.declared < 0 && !w.chunked
}

// take accounts for n bytes of body. send false: they are not sent.
func (w *writer) take(n int64) (send bool, err error) {
	switch {
	case w.hijacked:
		return false, http.ErrHijacked
	case w.status == 0:
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case w.out.err != nil || n == 0:
		return false, w.out.err
	case w.method == http.MethodHead:
	case !w.hasBody():
		return false, http.ErrBodyNotAllowed
	}
	if w.declared >= 0 && w.written+n > w.declared {
		return false, http.ErrContentLength
	}
	w.written += n
	return w.method != http.MethodHead, nil
}

// Write sends bytes of the body, after status 200 when none was set. Errors:
// http.ErrContentLength, http.ErrBodyNotAllowed, http.ErrHijacked, and those of the
// connection.
func (w *writer) Write(p []byte) (int, error) {
	send, err := w.take(int64(len(p)))
	if err != nil {
		return 0, err
	}
	if !send {
		return len(p), nil
	}
	if !w.headed {
		if w.declared < 0 && w.out.gathers(len(p)) {
			w.out.body = append(w.out.body, p...)
			return len(p), nil
		}
		w.endHead()
	}
	switch {
	case !w.chunked:
		w.out.plain(p, w.written == w.declared)
	case w.out.gathers(len(p)):
		w.out.body = append(w.out.body, p...)
	default:
		w.out.chunk(p)
	}
	if w.out.err != nil {
		return 0, w.out.err
	}
	return len(p), nil
}

// FlushError sends the gathered bytes, the head too.
func (w *writer) FlushError() error {
	switch {
	case w.hijacked:
		return http.ErrHijacked
	case w.status == 0:
		w.WriteHeader(http.StatusOK)
	}
	if !w.headed {
		w.endHead()
	}
	if w.chunked && len(w.out.body) > 0 {
		w.out.chunk(nil)
	}
	w.out.unframed()
	w.out.flush()
	return w.out.err
}

// SendFile sends n bytes of f from off on as bytes of the body: with sendfile(2) behind the
// head, where the system can. It returns how many bytes of f were sent: fewer without an
// error where the file is shorter. f's position is not used.
func (w *writer) SendFile(f *os.File, off, n int64) (int64, error) {
	if w.status == 0 && !w.hijacked {
		w.WriteHeader(http.StatusOK)
	}
	if w.out.err != nil || w.hijacked || !w.hasBody() || w.declared < 0 || n > w.declared-w.written {
		return w.copyFrom(io.NewSectionReader(f, off, n))
	}
	if !w.headed {
		w.endHead()
	}
	sent, err := w.out.file(f, off, n)
	w.written += sent
	return sent, err
}

// ReadFrom is io.ReaderFrom's. Files go out by SendFile.
func (w *writer) ReadFrom(r io.Reader) (int64, error) {
	if lr, ok := r.(*io.LimitedReader); ok {
		if file, ok := lr.R.(*os.File); ok {
			if off, err := file.Seek(0, io.SeekCurrent); err == nil {
				n, err := w.SendFile(file, off, lr.N)
				lr.N -= n
				_, _ = file.Seek(off+n, io.SeekStart)
				return n, err
			}
		}
	}
	return w.copyFrom(r)
}

func (w *writer) copyFrom(r io.Reader) (int64, error) {
	buf := copyBuffers.Get().(*[copied]byte)
	defer copyBuffers.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, buf[:])
}

var copyBuffers = sync.Pool{New: func() any { return new([copied]byte) }}

// endHead decides how the body is framed (RFC 9112 6.3), and ends the head.
func (w *writer) endHead() {
	w.headed = true
	b := w.out.buf
	switch {
	case w.status == http.StatusNoContent || w.status < 200: // RFC 9110 8.6
		w.declared = -1
	case w.status == http.StatusResetContent: // RFC 9110 15.3.6: it says that it has no content
		w.declared = 0
		b = appendLength(b, 0)
	case w.declared >= 0:
		b = appendLength(b, w.declared)
	case !w.hasBody():
	case w.minor > 0:
		w.chunked = true
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	default: // the body ends with the connection
		w.c.last.Store(true)
	}
	switch {
	case w.status == http.StatusSwitchingProtocols:
	case w.c.endsAfter():
		b = append(b, "Connection: close\r\n"...)
	case w.minor == 0:
		b = append(b, "Connection: keep-alive\r\n"...)
	}
	w.out.buf = append(b, crlf...)
}

// finish ends the answer. complete: the client has all of it, and can tell.
func (w *writer) finish() (complete bool) {
	if w.hijacked {
		return true
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !w.headed {
		if w.declared < 0 && (w.hasBody() || w.method == http.MethodHead && w.written > 0) {
			w.declared = w.written
		}
		w.endHead()
	}
	if w.chunked {
		w.out.lastChunk()
	}
	w.out.unframed()
	w.out.flush()
	return w.out.err == nil && (!w.hasBody() || w.declared < 0 || w.written == w.declared)
}

// SetReadDeadline is for http.ResponseController: it bounds the reads of the request's body.
func (w *writer) SetReadDeadline(t time.Time) error { return w.c.deadline.set(w.c.link, t) }

// SetWriteDeadline is for http.ResponseController.
func (w *writer) SetWriteDeadline(t time.Time) error {
	w.c.writeLimited = !t.IsZero()
	return w.c.link.SetWriteDeadline(t)
}

// EnableFullDuplex does nothing: a body may always be read after the answer has begun.
func (w *writer) EnableFullDuplex() error { return nil }

// Hijack is http.Hijacker's. The connection is the caller's to close; what has come behind
// the request is read from it first.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.hijacked {
		return nil, nil, http.ErrHijacked
	}
	if w.status != 0 {
		_ = w.FlushError() // what was written goes out first; the error is out's
	}
	w.hijacked = true
	nc := w.c.giveAway()
	return nc, bufio.NewReadWriter(bufio.NewReader(nc), bufio.NewWriter(nc)), w.out.err
}
