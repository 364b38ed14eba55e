package shim

import (
	"context"
	"slices"

	"github.com/standpipe/standpipe/shim/wire"
)

// Whole reports, after Head, whether the complete answer is here already, and
// how many octets of body it has.
func (x *Exchange) Whole() (n int64, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.whole {
		return 0, false
	}
	for _, c := range x.chunks {
		n += int64(len(c.p))
	}
	return n, true
}

// Next returns the next octets of the answer's body; they are the caller's until
// he calls Done, or Release. It returns io.EOF at the proper end, an *AppError when the app raised after its
// head, ErrWorkerGone (wrapped), or ctx's error.
func (x *Exchange) Next(ctx context.Context) ([]byte, error) {
	for {
		x.mu.Lock()
		if len(x.chunks) > 0 {
			c := x.chunks[0]
			if c.from != nil {
				x.lent = append(x.lent, c)
			}
			x.chunks[0] = chunk{}
			x.chunks = x.chunks[1:]
			if c.shared() {
				x.queued -= len(c.p)
			} else {
				x.taken += len(c.p)
			}
			give := 0
			if x.taken >= wire.Window/2 && !x.ended {
				give, x.taken = x.taken, 0
				x.allowed += give
			}
			x.mu.Unlock()
			if give > 0 {
				x.conn.window(x.id, give)
			}
			return c.p, nil
		}
		ended := x.ended
		x.mu.Unlock()
		if ended {
			return nil, x.failed()
		}
		select {
		case <-x.wakeRead:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Done says that nobody will look any more at p, which Next has returned: its memory
// is used again. It is called once for each p at most. p begins where Next's did.
func (x *Exchange) Done(p []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range x.lent {
		if len(p) > 0 && &p[0] == &x.lent[i].p[0] {
			x.lent[i].free()
			x.lent = slices.Delete(x.lent, i, i+1)
			return
		}
	}
}

// Release is Done for all that Next has returned. It is called last, by whoever has
// called Next.
func (x *Exchange) Release() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range x.lent {
		c.free()
	}
	x.lent = nil
}

// data queues body octets for Next. Shared ones cost no credit: their blocks are few.
func (x *Exchange) data(p []byte, f wire.Frame, fr keeper) error {
	c := chunk{p: p}
	if f.Shared() {
		m := x.conn.shared.Load()
		if m == nil {
			return wire.Errorf(nil, "octets of stream %d in shared memory, which there is not", x.id)
		}
		var err error
		if c, err = m.lend(p); err != nil {
			return err
		}
	}
	if c.shared() {
		x.queued += len(c.p)
	} else if x.allowed -= len(p); x.allowed < 0 {
		return wire.Errorf(nil, "%d octets of body beyond the window of stream %d", -x.allowed, x.id)
	}
	switch {
	case x.closed:
		c.free()
	case c.from != nil:
		x.chunks = append(x.chunks, c)
	case len(p) > 0:
		if b := fr.Keep(len(p)); b != nil {
			c.from = b
		} else {
			c.p = append([]byte(nil), p...)
		}
		x.chunks = append(x.chunks, c)
	}
	x.ended = x.ended || f.End()
	x.tell()
	return nil
}
