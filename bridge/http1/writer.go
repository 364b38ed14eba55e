package http1

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// gather is how much of an answer is gathered before it is written; bytes. An answer
	// whose body fits gets a Content-Length where the handler declares none.
	gather = 4 << 10
	// copied is the size up to which a piece of a body is copied behind what is gathered:
	// above it one writev(2) sends both. Bytes.
	copied = 16 << 10
)

// writer is the http.ResponseWriter of one request (RFC 9112 4 to 7). The head is encoded
// when the status is set, and goes out with the first bytes of the body.
type writer struct {
	c      *conn
	header http.Header
	minor  int    // of the request's version
	method string // of the request

	status   int
	phrase   string // the reason phrase, if phrased
	phrased  bool
	lines    []byte // field lines that were prepared
	declared int64  // Content-Length; -1: none
	written  int64  // bytes of body that the handler gave
	chunked  bool
	headed   bool // the head in buf is complete
	sent     bool // bytes of the answer have gone out
	hijacked bool
	err      error // of the connection; nothing is written after it

	buf  []byte // what goes out next, framed
	body []byte // what was gathered of the body, not framed: until headed, or the next chunk
	keys []string

	expects  atomic.Bool // the client waits for 100 Continue
	informal sync.Mutex  // held while a 1xx answer is written, and while expects is taken away
}

// begin prepares w for the answer to a request.
func (w *writer) begin(c *conn, method string, minor int, expects bool) {
	clear(w.header)
	if w.header == nil {
		w.header = make(http.Header, 16)
	}
	w.c, w.method, w.minor = c, method, minor
	w.status, w.phrase, w.phrased, w.lines, w.declared, w.written = 0, "", false, nil, -1, 0
	w.chunked, w.headed, w.sent, w.hijacked, w.err = false, false, false, false, nil
	w.buf, w.body = w.buf[:0], w.body[:0]
	w.expects.Store(expects)
}

// Header returns the fields of the answer.
func (w *writer) Header() http.Header { return w.header }

// Phrase is httpx.Wire's.
func (w *writer) Phrase(reason string) { w.phrase, w.phrased = reason, true }

// Lines is httpx.Wire's.
func (w *writer) Lines(lines []byte) { w.lines = lines }

// EndAfter is httpx.Connection's.
func (w *writer) EndAfter(http.Header) { w.c.last.Store(true) }

// WriteHeader sets the status and encodes the fields. An informational status goes out at
// once (RFC 9110 15.2): not to a client of HTTP/1.0, and not behind the final head.
func (w *writer) WriteHeader(status int) {
	switch {
	case w.status != 0 || w.hijacked:
	case status < 200 && status != http.StatusSwitchingProtocols:
		w.inform(status)
	default:
		w.status = status
		w.encode()
	}
}

// inform writes an informational answer.
func (w *writer) inform(status int) {
	if w.minor == 0 || w.err != nil {
		return
	}
	w.informal.Lock()
	defer w.informal.Unlock()
	if status == http.StatusContinue {
		w.expects.Store(false)
	}
	b := appendStatus(w.buf[:0], status, "")
	b = w.appendFields(b, true)
	w.buf = append(b, crlf...)
	_, w.err = w.c.link.Write(w.buf)
	w.buf = w.buf[:0]
}

// sendContinue asks the client for its body, if it waits for that (RFC 9110 10.1.1). It is
// called by the goroutine that reads the body.
func (w *writer) sendContinue() error {
	if !w.expects.Load() {
		return nil
	}
	w.informal.Lock()
	defer w.informal.Unlock()
	if !w.expects.Swap(false) {
		return nil
	}
	_, err := w.c.link.Write(continueLine)
	return err
}

var continueLine = []byte("HTTP/1.1 100 Continue\r\n\r\n")

// hasBody: RFC 9110 6.4.1.
func (w *writer) hasBody() bool {
	return w.method != http.MethodHead && w.status != http.StatusNoContent && w.status != http.StatusNotModified && w.status >= 200
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
	case w.err != nil || n == 0:
		return false, w.err
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
	if !send {
		if err != nil {
			return 0, err
		}
		return len(p), nil
	}
	if !w.headed {
		if w.declared < 0 && len(w.body)+len(p) <= gather {
			w.body = append(w.body, p...)
			return len(p), nil
		}
		w.endHead()
	}
	whole := w.written == w.declared
	switch {
	case w.chunked:
		if len(w.body)+len(p) <= gather {
			w.body = append(w.body, p...)
			return len(p), nil
		}
		w.chunk(p)
	case len(w.body) > 0: // it ends with the connection, and was gathered before the head
		w.buf = append(append(w.buf, w.body...), p...)
		w.body = w.body[:0]
		w.flush()
	case len(w.buf)+len(p) <= gather && !whole:
		w.buf = append(w.buf, p...)
	case len(p) <= copied:
		w.buf = append(w.buf, p...)
		w.flush()
	default:
		w.send(w.buf, p)
		w.buf = w.buf[:0]
	}
	if w.err != nil {
		return 0, w.err
	}
	return len(p), nil
}

// WriteString is io.StringWriter's.
func (w *writer) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// chunk sends what was gathered, and p behind it, as one chunk (RFC 9112 7.1).
func (w *writer) chunk(p []byte) {
	n := len(w.body) + len(p)
	if n == 0 {
		return
	}
	w.buf = appendHex(w.buf, n)
	w.buf = append(w.buf, crlf...)
	w.buf = append(w.buf, w.body...)
	w.body = w.body[:0]
	if len(p) <= copied {
		w.buf = append(append(w.buf, p...), crlf...)
		w.flush()
		return
	}
	w.send(w.buf, p)
	w.buf = append(w.buf[:0], crlf...) // goes out with the next bytes, or with the flush
	w.flush()
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
	if w.chunked {
		w.chunk(nil)
	}
	w.buf = append(w.buf, w.body...)
	w.body = w.body[:0]
	w.flush()
	return w.err
}

// Flush is http.Flusher's.
func (w *writer) Flush() { _ = w.FlushError() }

func (w *writer) flush() {
	if len(w.buf) > 0 {
		w.send(w.buf, nil)
	}
	w.buf = w.buf[:0]
}

// send writes a and b, in one call where the connection can.
func (w *writer) send(a, b []byte) {
	if w.err != nil {
		return
	}
	if w.expects.Load() { // too late for 100 Continue
		w.informal.Lock()
		w.expects.Store(false)
		w.informal.Unlock()
	}
	w.sent = true
	if len(b) == 0 {
		_, w.err = w.c.link.Write(a)
		return
	}
	_, w.err = w.c.link.WriteParts(a, b)
}

// SendFile sends n bytes of f from off on as bytes of the body: with sendfile(2) behind the
// head, where the system can. It returns how many bytes of f were sent: fewer without an
// error where the file is shorter. f's position is not used.
func (w *writer) SendFile(f *os.File, off, n int64) (int64, error) {
	if w.status == 0 && !w.hijacked {
		w.WriteHeader(http.StatusOK)
	}
	if w.err != nil || w.hijacked || !w.hasBody() || w.declared < 0 || n > w.declared-w.written || len(w.body) > 0 || w.expects.Load() {
		return w.copyFrom(io.NewSectionReader(f, off, n))
	}
	if !w.headed {
		w.endHead()
	}
	head := w.buf
	w.buf, w.sent = w.buf[:0], true
	sent, err := w.c.link.SendFile(head, f, off, n)
	sent = max(sent-int64(len(head)), 0)
	w.written += sent
	var path *os.PathError
	if err != nil && !errors.As(err, &path) {
		w.err = err
	}
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

// finish ends the answer. complete: the client can tell where it ends, and got all of it.
func (w *writer) finish() (complete bool) {
	if w.hijacked {
		return true
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !w.headed {
		if w.declared < 0 && w.hasBody() || w.method == http.MethodHead && w.written > 0 && w.declared < 0 {
			w.declared = w.written
		}
		w.endHead()
		w.buf = append(w.buf, w.body...)
		w.body = w.body[:0]
	}
	if w.chunked {
		if n := len(w.body); n > 0 {
			w.buf = append(appendHex(w.buf, n), crlf...)
			w.buf = append(append(w.buf, w.body...), crlf...)
			w.body = w.body[:0]
		}
		w.buf = append(w.buf, "0\r\n\r\n"...)
	}
	w.flush()
	return w.err == nil && (!w.hasBody() || w.declared < 0 || w.written == w.declared)
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
	if w.status != 0 && !w.headed {
		w.endHead()
	}
	w.flush()
	w.hijacked = true
	nc := w.c.giveAway()
	return nc, bufio.NewReadWriter(bufio.NewReader(nc), bufio.NewWriter(nc)), w.err
}
