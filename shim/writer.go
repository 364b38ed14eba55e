package shim

import (
	"encoding/binary"
	"io"
	"slices"
	"sync"
	"syscall"

	"github.com/standpipe/standpipe/shim/wire"
)

// writer is the combining writer of one pipe. A caller appends its frame
// under the lock; if no other caller is writing, it writes what the pipe takes at
// once and returns. What the pipe did not take
// is written by the one goroutine that runs loop. So no caller ever waits for
// the pipe, and frames of several callers leave in one write.
type writer struct {
	w   io.Writer
	bad func(error)     // called once, without mu, at the first write that failed; nil: no call
	raw syscall.RawConn // nil: w cannot write without waiting (net.Pipe)

	mu     sync.Mutex
	first  []byte // whole frames that go first: Request, Window, control
	bodies []byte // whole Body frames from at on; bounded by the streams' windows
	at     int
	spare  []byte // the buffer that first does not use at the moment
	busy   bool   // a goroutine writes, and will look again
	closed bool
	err    error // sticky

	wide   bool          // widen was called; the busy goroutine has it, as the following
	rest   []byte        // handed to loop
	buffer []byte        // the buffer that rest is the end of
	wake   chan struct{} // capacity 1
	done   chan struct{} // closed by close
}

// maxSpare is the largest buffer kept from one write to the next.
const maxSpare = 256 << 10

// pipeSize is what a pipe holds before it is asked to hold more; bytes.
const pipeSize = 64 << 10

func newWriter(w io.Writer) *writer {
	wr := &writer{w: w, wake: make(chan struct{}, 1), done: make(chan struct{})}
	if sc, ok := w.(syscall.Conn); ok && canWriteNow {
		if raw, err := sc.SyscallConn(); err == nil {
			wr.raw = raw
		}
	}
	return wr
}

// send appends whole frames by calling build on the right queue. It returns the
// error of an earlier write, build's, or that of the write that held these
// frames: in all three cases the worker has not had the whole of them.
func (wr *writer) send(body bool, build func(b []byte) ([]byte, error)) error {
	flush, err := wr.add(body, build)
	if !flush {
		return err
	}
	return wr.flushNow()
}

// add is the first half of send, and never writes. Where it reports true the caller
// has to call flushNow, which is the second.
func (wr *writer) add(body bool, build func(b []byte) ([]byte, error)) (flush bool, err error) {
	wr.mu.Lock()
	defer wr.mu.Unlock()
	q := &wr.first
	if body {
		q = &wr.bodies
	}
	if wr.err != nil {
		return false, wr.err
	}
	b, err := build(*q)
	*q = b
	if err != nil || wr.busy {
		return false, err
	}
	wr.busy = true
	return true, nil
}

// window tells the worker that n more bytes of the answer may come.
func (wr *writer) window(stream uint32, n int) {
	_ = wr.send(false, func(b []byte) ([]byte, error) {
		return wire.AppendWindow(b, stream, n), nil
	}) // a write that fails shows in what is read
}

func (wr *writer) flushNow() error {
	wr.mu.Lock()
	return wr.flush(wr.writeNow)
}

// flush writes until nothing is queued or write could not write it all. It is
// called with mu held and busy set, and returns with mu released; busy stays
// set when the rest was handed to loop. The error is the first write's.
func (wr *writer) flush(write func([]byte) (bool, error)) (first error) {
	for i := 0; wr.err == nil; i++ {
		var out []byte
		switch {
		case len(wr.first) > 0:
			out = wr.first
			wr.first, wr.spare = wr.spare[:0], nil
		case len(wr.bodies) > wr.at:
			n := wire.HeaderSize + int(binary.BigEndian.Uint32(wr.bodies[wr.at+8:]))
			out = append(wr.spare[:0], wr.bodies[wr.at:wr.at+n]...)
			wr.spare = nil
			if wr.at += n; wr.at > len(wr.bodies)/2 { // each byte moves twice at most
				wr.bodies, wr.at = wr.bodies[:copy(wr.bodies, wr.bodies[wr.at:])], 0
			}
		default:
			wr.busy = false
			wr.mu.Unlock()
			return first
		}
		wr.mu.Unlock()
		whole, err := write(out)
		wr.failed(err)
		wr.mu.Lock()
		if i == 0 {
			first = err
		}
		if !whole {
			wr.mu.Unlock()
			return first
		}
		wr.keep(out)
	}
	wr.busy = false
	wr.mu.Unlock()
	return first
}

// wideBuffer is a buffer for large frames, which all writers share: what lies idle
// is not held, and what is used again is still in the processor's cache.
type wideBuffer [maxSpare + 64<<10]byte

var wideBuffers sync.Pool // *wideBuffer

// grow returns b with room for n more bytes. It is for build, which holds mu.
func (wr *writer) grow(b []byte, n int) []byte {
	switch {
	case cap(b)-len(b) >= n:
		return b
	case len(b)+n > len(wideBuffer{}):
		return slices.Grow(b, n)
	}
	wide, ok := wideBuffers.Get().(*wideBuffer)
	if !ok {
		wide = new(wideBuffer)
	}
	to := append(wide[:0], b...)
	wr.keep(b)
	return to
}

// keep makes a buffer that was written the spare one. mu is held.
func (wr *writer) keep(b []byte) {
	if cap(b) == len(wideBuffer{}) {
		wideBuffers.Put((*wideBuffer)(b[:cap(b)]))
		return
	}
	if wr.spare == nil && cap(b) <= maxSpare {
		wr.spare = b[:0]
	}
}

// failed keeps the first error of a write, and tells of it.
func (wr *writer) failed(err error) {
	if err == nil {
		return
	}
	wr.mu.Lock()
	first := wr.err == nil
	if first {
		wr.err = err
	}
	wr.mu.Unlock()
	if first && wr.bad != nil {
		wr.bad(err)
	}
}

// writeNow writes what the pipe takes without waiting. The rest goes to loop.
func (wr *writer) writeNow(p []byte) (whole bool, err error) {
	n := 0
	if wr.raw != nil {
		if len(p) > pipeSize && !wr.wide { // at the first large body: idle apps need none
			wr.wide = true
			widen(wr.raw)
		}
		if n, err = writeNow(wr.raw, p); err != nil {
			return true, err
		}
	}
	if n == len(p) {
		return true, nil
	}
	wr.rest, wr.buffer = p[n:], p
	wr.wake <- struct{}{} // there is room: only the busy goroutine sends
	return false, nil
}

// writeAll waits for the pipe; loop alone calls it.
func (wr *writer) writeAll(p []byte) (whole bool, err error) {
	_, err = wr.w.Write(p)
	return true, err
}

// loop writes what callers could not write at once, until close.
func (wr *writer) loop() {
	for {
		select {
		case <-wr.wake:
			rest, buffer := wr.rest, wr.buffer
			wr.rest, wr.buffer = nil, nil
			_, err := wr.writeAll(rest)
			wr.failed(err)
			wr.mu.Lock()
			wr.keep(buffer)
			_ = wr.flush(wr.writeAll) // sticky in wr.err
		case <-wr.done:
			return
		}
	}
}

// close ends loop once the pipe itself has been closed by the caller.
func (wr *writer) close() {
	wr.mu.Lock()
	defer wr.mu.Unlock()
	if wr.err == nil {
		wr.err = io.ErrClosedPipe
	}
	if !wr.closed {
		wr.closed = true
		close(wr.done)
	}
}
