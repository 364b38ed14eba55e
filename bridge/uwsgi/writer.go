package uwsgi

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/standpipe/standpipe/bridge/cgi"
)

// outSize is how much of a response is gathered before it is written; bytes. A response whose
// body fits gets a Content-Length when the handler declares none.
const outSize = 8 << 10

// largeWrite is the size from which a write is not copied; bytes.
const largeWrite = 32 << 10

// writer is the http.ResponseWriter of one connection: an HTTP/1.1 head, then the
// raw body. There is no chunk framing, which nginx and Apache would forward as body, and no
// second request.
type writer struct {
	c       *conn
	r       *http.Request
	gateway *cgi.Gateway

	header   http.Header
	status   int    // 0: not set
	reason   string // of the status, if phrased
	phrased  bool
	headed   bool   // the head is in out, or sent
	sent     bool   // bytes of the response have gone out
	out      []byte // gathered: the body alone until headed
	declared int64  // Content-Length; -1: none
	written  int64  // bytes of body that the handler gave
	err      error  // of the connection; nothing is written after it
}

// Gateway is what the server in front says beside the request.
func (w *writer) Gateway() *cgi.Gateway { return w.gateway }

// Resets reports whether the peer can tell that a response was cut off.
func (w *writer) Resets() bool { return w.c.resets() }

// Header returns the fields of the response.
func (w *writer) Header() http.Header { return w.header }

// Phrase is httpx.Phraser's.
func (w *writer) Phrase(reason string) { w.reason, w.phrased = reason, true }

// WriteHeader sets the status; the head goes out with the first bytes of the body. The
// protocol has no 1xx, which is dropped.
func (w *writer) WriteHeader(status int) {
	if w.status != 0 || status < 200 {
		return
	}
	w.status = status
	for _, name := range [...]string{"Content-Length", "content-length"} {
		if v := w.header[name]; len(v) == 1 {
			if n, err := strconv.ParseInt(v[0], 10, 64); err == nil && n >= 0 {
				w.declared = n
			}
		}
	}
}

func (w *writer) bodyAllowed() bool {
	return w.status != http.StatusNoContent && w.status != http.StatusNotModified
}

// take accounts for n bytes of body. send false: they must not be sent.
func (w *writer) take(n int) (send bool, err error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case n == 0 || w.err != nil:
		return false, w.err
	case !w.bodyAllowed():
		return false, http.ErrBodyNotAllowed
	}
	w.written += int64(n)
	if w.declared >= 0 && w.written > w.declared {
		w.written -= int64(n)
		return false, http.ErrContentLength
	}
	return w.r.Method != http.MethodHead, nil
}

// Write sends bytes of the body.
func (w *writer) Write(p []byte) (int, error) {
	send, err := w.take(len(p))
	if err != nil {
		return 0, err
	}
	if !send {
		return len(p), nil
	}
	if len(w.out)+len(p) > outSize {
		w.begin()
		if len(p) >= largeWrite {
			w.send(w.out, p)
			w.out = w.out[:0]
			return w.wrote(len(p))
		}
	}
	w.out = append(w.out, p...)
	if len(w.out) > outSize {
		w.flush()
	}
	return w.wrote(len(p))
}

func (w *writer) wrote(n int) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	return n, nil
}

// WriteString is Write for a string.
func (w *writer) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// ReadFrom keeps the way open for sendfile(2), which the connection does.
func (w *writer) ReadFrom(r io.Reader) (int64, error) {
	lr, ok := r.(*io.LimitedReader)
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !ok || w.err != nil || !w.bodyAllowed() || w.r.Method == http.MethodHead || w.declared < 0 || lr.N > w.declared-w.written {
		return io.Copy(struct{ io.Writer }{w}, r)
	}
	w.begin()
	w.flush()
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.c.link.ReadFrom(lr)
	w.written += n
	w.sent = w.sent || n > 0
	return n, err
}

// FlushError sends the gathered bytes, the head too.
func (w *writer) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	w.begin()
	w.flush()
	return w.err
}

// Flush is FlushError for those who ask for an http.Flusher.
func (w *writer) Flush() { _ = w.FlushError() }

// SetReadDeadline is for http.ResponseController.
func (w *writer) SetReadDeadline(t time.Time) error { return w.c.link.SetReadDeadline(t) }

// SetWriteDeadline is for http.ResponseController.
func (w *writer) SetWriteDeadline(t time.Time) error { return w.c.link.SetWriteDeadline(t) }

// EnableFullDuplex does nothing: the body may be read after the response has begun anyway.
func (w *writer) EnableFullDuplex() error { return nil }

// usualPhrase is the reason phrase of a status that the handler gave none.
func usualPhrase(status int) string {
	if text := http.StatusText(status); text != "" {
		return text
	}
	return "status code " + strconv.Itoa(status) // as net/http does
}

// begin puts the head in front of the gathered bytes.
func (w *writer) begin() {
	if w.headed {
		return
	}
	w.headed = true
	k, reason := w.c.scratch, w.reason
	if !w.phrased {
		reason = usualPhrase(w.status)
	}
	head := appendHead(k.spare[:0], k, w.status, reason, w.header)
	head = append(head, w.out...)
	w.out, k.spare = head, w.out[:0]
}

func (w *writer) flush() {
	w.send(w.out, nil)
	w.out = w.out[:0]
}

func (w *writer) send(p, more []byte) {
	if w.err != nil || len(p)+len(more) == 0 {
		return
	}
	n, err := w.c.link.WriteParts(p, more)
	w.sent = w.sent || n > 0
	w.err = err
}

// finish ends the response. An error means that it is not complete.
func (w *writer) finish() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	head := w.r.Method == http.MethodHead
	if !w.headed && w.declared < 0 && w.bodyAllowed() && (!head || w.written > 0) {
		w.declared = w.written
		w.header["Content-Length"] = []string{strconv.FormatInt(w.written, 10)}
	}
	if err := w.FlushError(); err != nil {
		return err
	}
	if w.declared > w.written && !head && w.bodyAllowed() {
		return io.ErrShortWrite
	}
	return nil
}
