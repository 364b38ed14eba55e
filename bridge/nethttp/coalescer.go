package nethttp

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"

	"github.com/standpipe/standpipe/bridge/listen"
)

// bufferSize is the size of net/http's buffer, and the most that is kept of an answer;
// bytes.
const bufferSize = 4 << 10

// coalescer keeps what goes out together with the next bytes that net/http writes.
//
// net/http writes an answer in two calls when it is larger than its buffer of bufferSize:
// the full buffer, and then the rest, at once or when it is flushed. The second call sends
// both. Only a full buffer is kept, and only within one Write of the handler: a flush comes
// after a Write, never in it, and a larger piece is not put into the buffer. A buffer that
// overflows is written because there is more to put into it, so something follows in each
// path: the rest, a flush, or what net/http writes before it closes the connection or gives
// it away.
type coalescer struct {
	within  atomic.Bool       // a Write of the handler's is under way
	first   *[bufferSize]byte // nil: nothing is kept
	lines   []byte            // the rest of the next final head, beside what net/http knows of it
	phrase  string            // of the next final head, if phrased
	phrased bool
	parts   [5][]byte
	left    net.Buffers // of parts
}

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// reset is called for each request.
func (h *coalescer) reset() { h.lines, h.phrased = nil, false }

// takes keeps p, if it is a full buffer.
func (h *coalescer) takes(p []byte) bool {
	if h.first != nil || len(p) != bufferSize || !h.within.Load() {
		return false
	}
	h.first = buffers.Get().(*[bufferSize]byte)
	copy(h.first[:], p)
	return true
}

// idle: nothing goes out with the next bytes.
func (h *coalescer) idle() bool { return h.first == nil && h.lines == nil && !h.phrased }

// upToStatus is the length of "HTTP/1.1 200".
const upToStatus = 12

// join lists what is to be written when p comes.
func (h *coalescer) join(p []byte) {
	h.left = h.parts[:0]
	head := p
	if h.first != nil {
		head = h.first[:]
	}
	if i := statusLine(head); i > 0 && (h.lines != nil || h.phrased) {
		line := head[:i]
		if h.phrased {
			line = append(append(make([]byte, 0, 64), line[:upToStatus]...), ' ') // the blank is there without a phrase too
			line = append(append(line, h.phrase...), crlf...)
		}
		h.left = append(h.left, line)
		if h.lines != nil {
			h.left = append(h.left, h.lines)
		}
		head, h.lines, h.phrase, h.phrased = head[i:], nil, "", false
	}
	h.left = append(h.left, head)
	if h.first != nil {
		h.left = append(h.left, p)
	}
}

// statusLine is the length of the status line that p begins with; 0: it does not begin
// with that of a final answer.
func statusLine(p []byte) int {
	if len(p) < 12 || string(p[:5]) != "HTTP/" || p[9] == '1' {
		return 0
	}
	return bytes.Index(p, crlf) + len(crlf)
}

var crlf = []byte("\r\n")

// writeWith writes what was kept and p: in one call, where the system can.
func (h *coalescer) writeWith(c *listen.Conn, p []byte) (int, error) {
	h.join(p)
	before := -len(p) // bytes that are not p's
	for _, part := range h.left {
		before += len(part)
	}
	n, err := c.WriteBuffers(&h.left)
	if h.first != nil {
		buffers.Put(h.first)
	}
	h.first, h.left = nil, nil
	clear(h.parts[:])
	return max(int(n)-before, 0), err
}

// release sends what is kept.
func (h *coalescer) release(c *listen.Conn) error {
	if h.first == nil {
		return nil
	}
	_, err := h.writeWith(c, nil)
	return err
}
