package h2

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// incoming follows what the client sends. The goroutine of net/http that reads owns it.
type incoming struct {
	c       *conn
	budgets *budgets
	left    int                                       // bytes of the payload, or of the preface
	ready   []byte                                    // for the next reads, before anything else
	space   [headSize + mostSettings*settingSize]byte // of ready
	kind    byte                                      // of the frame
	block   bool                                      // it has fields, and they are not complete
	waiting bool                                      // for fields: the connection has a deadline
	phase   atomic.Int32
	cut     atomic.Bool // net/http reads no more, because of tooLarge
	failed  atomic.Bool // a read has failed: the client has gone, or was too slow
	late    atomic.Bool // its time for the preface, or for fields, was over
}

// The values of incoming.phase.
const (
	phasePreface  = iota // the preface is to come
	phaseSettings        // the first frame is
	phaseOpen
)

// tooLarge is the head of a frame that has net/http send GOAWAY, and read no more.
var tooLarge = []byte("\xff\xff\xff\x00\x00\x00\x00\x00\x00")

// read returns bytes of one frame at most.
func (in *incoming) read(p []byte) (int, error) {
	for len(in.ready) == 0 {
		if in.left > 0 {
			n, err := in.c.Conn.Read(p[:min(len(p), in.left)])
			in.left -= n
			if err != nil {
				return n, in.fail(err)
			}
			if in.left == 0 && in.phase.Load() == phasePreface {
				in.phase.Store(phaseSettings)
			}
			if in.kind == headersFrame || in.kind == continuationFrame {
				in.limitFields(in.left > 0 || in.block)
			}
			return n, nil
		}
		if err := in.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, in.ready)
	in.ready = in.ready[n:]
	return n, nil
}

// fail returns err.
func (in *incoming) fail(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) && (in.waiting || in.phase.Load() == phasePreface) {
		in.late.Store(true)
	}
	in.failed.Store(true)
	return err
}

// limitFields bounds the time for the fields of a request. It begins with the first read that does
// not complete them.
func (in *incoming) limitFields(incomplete bool) {
	if incomplete != in.waiting && in.c.srv.o.HeaderTimeout > 0 {
		in.waiting = incomplete
		at := time.Time{}
		if incomplete {
			at = time.Now().Add(in.c.srv.o.HeaderTimeout)
		}
		in.c.readBy(at)
	}
}

// next reads the head of the next frame, and makes it ready unless it is for us.
func (in *incoming) next() error {
	c := in.c
	if f := c.bye.forged.Swap(nil); f != nil {
		in.ready = append(in.space[:0], *f...)
		return nil
	}
	b := (*[headSize]byte)(in.space[:])
	if _, err := io.ReadFull(c.Conn, b[:]); err != nil {
		return in.fail(err)
	}
	in.phase.Store(phaseOpen)
	h := parseHead(b)
	why, wait := in.budgets.frame(h, &c.tally)
	if why != "" {
		c.end(why)
		in.cut.Store(true)
		c.wake()
		in.ready = append(in.space[:0], tooLarge...)
		return nil
	}
	if wait > 0 {
		in.slow(wait)
	}
	in.left, in.kind = h.length, h.kind
	in.ready = b[:]
	switch h.kind {
	case headersFrame, continuationFrame:
		in.block = !h.has(endHeaders)
		if h.length == 0 {
			in.limitFields(in.block)
		}
	case settingsFrame:
		if n := h.length; !h.has(ack) && n > 0 && n <= mostSettings*settingSize && n%settingSize == 0 {
			return in.readSettings(n)
		}
	case pingFrame:
		if h.has(ack) && h.length == len(c.bye.ping) && c.bye.asked.Load() {
			return in.readPing()
		}
	}
	return nil
}

// readPayload reads n bytes behind the head in space. They are ready with it.
func (in *incoming) readPayload(n int) ([]byte, error) {
	p := in.space[headSize : headSize+n]
	if _, err := io.ReadFull(in.c.Conn, p); err != nil {
		return nil, in.fail(err)
	}
	in.left, in.ready = 0, in.space[:headSize+n]
	return p, nil
}

func (in *incoming) readSettings(n int) error {
	p, err := in.readPayload(n)
	if err != nil {
		return err
	}
	rest, window := lastSettings(p)
	if window >= 0 {
		in.c.window.Store(window)
	}
	in.space[1], in.space[2] = byte(len(rest)>>8), byte(len(rest))
	in.ready = in.space[:headSize+len(rest)]
	return nil
}

// readPing reads the answer to a ping, which may be one of ours: net/http does not know it.
func (in *incoming) readPing() error {
	bye := &in.c.bye
	p, err := in.readPayload(len(bye.ping))
	if err == nil && [8]byte(p) == bye.ping {
		in.ready = nil
		bye.answered()
	}
	return err
}

// slow makes the client wait: nothing is read meanwhile.
func (in *incoming) slow(wait time.Duration) {
	in.c.srv.records.slowed(in.c)
	t := time.NewTimer(min(wait, time.Second))
	defer t.Stop()
	select {
	case <-t.C:
	case <-in.c.closed:
	}
}
