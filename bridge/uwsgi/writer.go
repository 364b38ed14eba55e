package uwsgi

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/standpipe/standpipe/bridge/cgi"
)

// outSize is how much of an answer is gathered before it is written; octets. An
// answer whose body fits gets a Content-Length when the handler declares none.
const outSize = 8 << 10

// largeWrite: so many octets are not worth a copy.
const largeWrite = 32 << 10

// writer is the http.ResponseWriter of one connection: an HTTP/1.1 head, then the
// raw body. There is no chunk framing, which nginx and Apache would hand on as body,
// and no second request.
type writer struct {
	c    *conn
	r    *http.Request
	told *cgi.Gateway

	header   http.Header
	status   int    // 0: none was said
	reason   string // of the status, if phrased
	phrased  bool
	headed   bool   // the head is in out, or sent
	sent     bool   // octets of the answer have gone out
	out      []byte // what is gathered: the body alone until headed
	declared int64  // Content-Length; -1: none
	written  int64  // octets of body that the handler gave
	err      error  // of the connection; nothing is written after it
}

// Gateway is what the server in front has said.
func (w *writer) Gateway() *cgi.Gateway { return w.told }

// Resets: an answer that is cut off ends so that the peer can tell.
func (w *writer) Resets() bool { return w.c.resets() }

// Header returns the fields of the answer.
func (w *writer) Header() http.Header { return w.header }

// Phrase is httpx.Phraser's.
func (w *writer) Phrase(reason string) { w.reason, w.phrased = reason, true }

// WriteHeader notes the status; the head goes out with the first octets of the body.
// 1xx has no place in the protocol's answer and is swallowed.
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

// take accounts for n octets of body. send is false when they are not to be sent.
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

// Write sends octets of the body.
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
			w.flush()
			w.send(p)
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
	to, can := w.c.Conn.(io.ReaderFrom)
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !ok || !can || w.err != nil || !w.bodyAllowed() || w.r.Method == http.MethodHead || w.declared < 0 || lr.N > w.declared-w.written {
		return io.Copy(struct{ io.Writer }{w}, r)
	}
	w.begin()
	w.flush()
	if w.err != nil {
		return 0, w.err
	}
	n, err := to.ReadFrom(lr)
	w.written += n
	w.sent = w.sent || n > 0
	return n, err
}

// FlushError sends what is gathered, the head too.
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
func (w *writer) SetReadDeadline(t time.Time) error { return w.c.Conn.SetReadDeadline(t) }

// SetWriteDeadline is for http.ResponseController.
func (w *writer) SetWriteDeadline(t time.Time) error { return w.c.Conn.SetWriteDeadline(t) }

// EnableFullDuplex: the body may be read behind the answer's begin anyway.
func (w *writer) EnableFullDuplex() error { return nil }

// phrase is the status's reason: what was said, else the usual one, else what net/http
// says.
func (w *writer) phrase() string {
	if w.phrased {
		return w.reason
	}
	if text := http.StatusText(w.status); text != "" {
		return text
	}
	return "status code " + strconv.Itoa(w.status)
}

// begin puts the head in front of what is gathered.
func (w *writer) begin() {
	if w.headed {
		return
	}
	w.headed = true
	k := w.c.kit
	head := appendHead(k.spare[:0], k, w.status, w.phrase(), w.header)
	head = append(head, w.out...)
	w.out, k.spare = head, w.out[:0]
}

func (w *writer) flush() {
	w.send(w.out)
	w.out = w.out[:0]
}

func (w *writer) send(p []byte) {
	if w.err != nil || len(p) == 0 {
		return
	}
	n, err := w.c.Conn.Write(p)
	w.sent = w.sent || n > 0
	w.err = err
}

// finish ends the answer. An error means that it is not whole.
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
