package server

import (
	"net"
	"sync"
	"sync/atomic"
)

// heldMost is how much is held back of an answer: net/http's buffer; octets.
const heldMost = 4 << 10

// held is the first part of an answer that net/http writes in two calls. Its buffer of
// heldMost octets is full before the answer is: it writes the buffer, and then the
// rest at once, or when it is flushed. The second call sends both.
//
// Held is only a full buffer, and only within one Write of the handler: a flush comes
// after a Write, never in it, and a larger piece is not put into the buffer. A buffer
// that overflows is written because there is more to put into it, so something follows
// in each path: the rest, a flush, or what net/http writes before it closes the
// connection or hands it over.
type held struct {
	within atomic.Bool // a Write of the handler's is under way
	first  *[heldMost]byte
	both   [2][]byte
	left   net.Buffers // of both
}

var heldPool = sync.Pool{New: func() any { return new([heldMost]byte) }}

// takes keeps p, if it is such a part.
func (h *held) takes(p []byte) bool {
	if len(p) != heldMost || !h.within.Load() {
		return false
	}
	h.first = heldPool.Get().(*[heldMost]byte)
	copy(h.first[:], p)
	return true
}

// Gather is called before and after a Write of the handler's that may be larger than
// what net/http takes at once.
func (c *conn) Gather(on bool) { c.held.within.Store(on) }

// writeBoth writes what is held, and p: in one call, where the system can.
func (c *conn) writeBoth(p []byte) (int, error) {
	h := &c.held
	h.both = [2][]byte{h.first[:], p}
	h.left = h.both[:]
	done := -heldMost
	for s := (slow{conn: c}); ; {
		n, err := h.left.WriteTo(c.Conn)
		done += int(n)
		if err == nil || !s.goesOn(err, n > 0) {
			heldPool.Put(h.first)
			h.first, h.both, h.left = nil, [2][]byte{}, nil
			return max(done, 0), err
		}
	}
}

// release sends what is held.
func (c *conn) release() error {
	if c.held.first == nil {
		return nil
	}
	_, err := c.writeBoth(nil)
	return err
}
