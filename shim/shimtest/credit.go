package shimtest

import (
	"io"
	"sync"

	"github.com/standpipe/standpipe/shim/wire"
)

// credits is what the peer may send of its answers' bodies.
type credits struct {
	mu     sync.Mutex
	more   sync.Cond
	left   map[uint32]int // of streams that were opened
	closed bool
}

func (c *credits) init() { c.left, c.more.L = map[uint32]int{}, &c.mu }

func (c *credits) add(stream uint32, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left[stream] += n
	c.more.Broadcast()
}

func (c *credits) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.more.Broadcast()
}

// take waits for credit and takes at most n of it; 0: the peer is closed.
func (c *credits) take(stream uint32, n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.left[stream] == 0 && !c.closed {
		c.more.Wait()
	}
	if c.closed {
		return 0
	}
	n = min(n, c.left[stream])
	c.left[stream] -= n
	return n
}

// Stream writes body in Body frames, as fast as Go gives credit; the Head that
// came before held no bytes of body. It returns io.ErrClosedPipe when Go has left.
func (p *Peer) Stream(stream uint32, body []byte) error {
	for len(body) > 0 {
		n := p.credits.take(stream, min(len(body), wire.MaxInline))
		if n == 0 {
			return io.ErrClosedPipe
		}
		if err := p.Send(wire.Frame{Kind: wire.KindBody, Stream: stream, Payload: body[:n]}); err != nil {
			return err
		}
		body = body[n:]
	}
	return nil
}
