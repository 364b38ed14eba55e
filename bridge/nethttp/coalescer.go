package server

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
)

// heldMost is how much is held back of an answer: net/http's buffer; octets.
const heldMost = 4 << 10

// held is what goes out together with the next octets that net/http writes.
//
// It writes an answer in two calls when it is larger than its buffer of heldMost: the
// full buffer, and then the rest, at once or when it is flushed. The second call sends
// both. Held is only a full buffer, and only within one Write of the handler: a flush
// comes after a Write, never in it, and a larger piece is not put into the buffer. A
// buffer that overflows is written because there is more to put into it, so something
// follows in each path: the rest, a flush, or what net/http writes before it closes the
// connection or hands it over.
type held struct {
	within  atomic.Bool     // a Write of the handler's is under way
	first   *[heldMost]byte // nil: nothing is held
	lines   []byte          // the rest of the next final head, beside what net/http knows of it
	phrase  string          // of the next final head, if phrased
	phrased bool
	parts   [5][]byte
	left    net.Buffers // of parts
}

var heldPool = sync.Pool{New: func() any { return new([heldMost]byte) }}

// takes keeps p, if it is such a buffer.
func (h *held) takes(p []byte) bool {
	if len(p) != heldMost || !h.within.Load() {
		return false
	}
	h.first = heldPool.Get().(*[heldMost]byte)
	copy(h.first[:], p)
	return true
}

// Gather is httpx.Wire's.
func (c *conn) Gather(on bool) { c.held.within.Store(on) }

// Lines is httpx.Wire's.
func (c *conn) Lines(lines []byte) { c.held.lines = lines }

// Phrase is httpx.Phraser's.
func (c *conn) Phrase(reason string) {
	c.held.phrase, c.held.phrased = reason, true
}

// upToStatus is the length of "HTTP/1.1 200".
const upToStatus = 12

// join lists what is to be written when p comes.
func (h *held) join(p []byte) {
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

// writeAll writes what was held and p: in one call, where the system can.
func (c *conn) writeAll(p []byte) (int, error) {
	h := &c.held
	h.join(p)
	before := -len(p) // octets that are not p's
	for _, part := range h.left {
		before += len(part)
	}
	n, err := h.left.WriteTo(c.Conn)
	c.pace.wrote(int(n))
	if h.first != nil {
		heldPool.Put(h.first)
	}
	h.first, h.left = nil, nil
	clear(h.parts[:])
	return max(int(n)-before, 0), err
}

// release sends what is held.
func (c *conn) release() error {
	if c.held.first == nil {
		return nil
	}
	_, err := c.writeAll(nil)
	return err
}
