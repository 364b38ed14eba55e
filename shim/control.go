package shim

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/standpipe/standpipe/shim/wire"
)

// controlSize holds the usual frames of a control socket, which is idle nearly
// always; bytes.
const controlSize = 4 << 10

// controlReader reads the shim's answers on the control socket. It is in no order with
// the frames of the pipe: a stream that is not there has ended meanwhile.
type controlReader struct {
	conn  *Conn
	in    *rights
	files uint64 // Files that came
}

// run reads until the socket ends. What does not follow the protocol ends the Conn
// like anything else.
func (r *controlReader) run() {
	defer r.in.close()
	fr := wire.NewReaderSize(r.in, controlSize)
	for {
		f, err := fr.Next()
		if err == nil {
			err = r.take(f)
		}
		if pe := (*wire.ProtocolError)(nil); errors.As(err, &pe) {
			r.conn.fail(err)
			r.conn.Close()
		}
		if err != nil {
			return
		}
	}
}

// take acts on one frame.
func (r *controlReader) take(f wire.Frame) error {
	switch f.Kind {
	case wire.KindFile:
		return r.takeFile(f)
	case wire.KindMemory:
		return r.takeMemory()
	case wire.KindStacks:
		if err := r.expect(&r.conn.dumps, f); err != nil {
			return err
		}
		text, err := wire.DecodeText(f.Payload)
		if err == nil {
			r.conn.owner.Stacks(text)
		}
		return err
	case wire.KindRecalled:
		if err := r.expect(&r.conn.queue.recalls, f); err != nil {
			return err
		}
		return r.takeRecalled(f.Payload)
	case wire.KindPurge:
		return r.takePurge(f)
	case wire.KindDebug:
		return r.takeDebug(f)
	case wire.KindDebugEnd:
		return r.conn.debugs.end(f.Stream)
	}
	return wire.Errorf(nil, "%v frame on the control socket", f.Kind)
}

// expect takes one from the orders that have no answer, so that a worker cannot say
// what it was not asked for.
func (r *controlReader) expect(orders *int, f wire.Frame) error {
	r.conn.mu.Lock()
	defer r.conn.mu.Unlock()
	if *orders <= 0 {
		return wire.Errorf(f.Payload, "a %v that was not asked for", f.Kind)
	}
	*orders--
	return nil
}

// takeFile gives a descriptor to its exchange.
func (r *controlReader) takeFile(f wire.Frame) error {
	file := r.in.next()
	if file == nil {
		return wire.Errorf(nil, "a File on stream %d without a descriptor", f.Stream)
	}
	offset, length, err := wire.DecodeFile(f.Payload)
	if err != nil {
		file.Close()
		return err
	}
	c := r.conn
	r.files++
	c.mu.Lock()
	x := c.streams[f.Stream]
	many := r.files > c.sends // each request has one answer
	c.mu.Unlock()
	if x == nil {
		file.Close()
		if many {
			return wire.Errorf(nil, "more files than requests")
		}
		return nil
	}
	return x.takeFile(&File{File: file, Offset: offset, Length: length, SharedPosition: true})
}

// takeMemory maps what the worker has sent. What cannot be shared (no memory that
// stays as large as it is, no budget for it) is left alone: the bodies cross the pipe.
func (r *controlReader) takeMemory() error {
	file := r.in.next()
	if file == nil {
		return wire.Errorf(nil, "a Memory without a descriptor")
	}
	defer file.Close()
	c := r.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.offered {
		return wire.Errorf(nil, "a second Memory")
	}
	c.offered = true
	budget := c.ends.Budget
	if c.err != nil || !budget.take() {
		return nil
	}
	mem, err := mapShared(file, sharedSize)
	if err != nil {
		budget.give()
		return nil
	}
	m := newShared(mem)
	m.of = budget
	c.shared.Store(m) // before the worker hears of it
	m.begin()
	return nil
}

// takeRecalled ends the exchanges that the worker has given back.
func (r *controlReader) takeRecalled(p []byte) error {
	if len(p)%4 != 0 {
		return wire.Errorf(p, "a Recalled of %d bytes", len(p))
	}
	c := r.conn
	var back []*Exchange
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return nil
	}
	c.queue.asked = time.Time{}
	now := time.Now()
	for ; len(p) > 0; p = p[4:] {
		x := c.streams[binary.BigEndian.Uint32(p)]
		if x == nil || !x.asked {
			c.mu.Unlock()
			return wire.Errorf(p, "a Recalled for stream %d, which was not asked for", binary.BigEndian.Uint32(p))
		}
		delete(c.streams, x.id)
		c.queue.remove(x, now)
		back = append(back, x)
	}
	c.mu.Unlock()
	for _, x := range back {
		x.fail(ErrRecalled)
		c.owner.Freed(x, Recalled)
	}
	return nil
}
