package shim

import (
	"time"

	"github.com/standpipe/standpipe/shim/wire"
)

// MaxHints bounds the early hints of one request; further ones are counted and
// dropped.
const MaxHints = 16

// answer is what a worker has said on one stream, and what of it was taken. It waits
// for nothing and sends nothing: step enters a frame, next takes an event off.
type answer struct {
	hints     [][]wire.Field // that were not taken
	hinted    int            // how many came
	head      *wire.Head     // nil: it has not come
	headTaken bool
	whole     bool // the whole answer came in its Head frame
	chunks    []chunk
	allowed   int // bytes of body that the worker may send
	taken     int // bytes taken since the last Window
	queued    int // bytes in shared memory that were not taken
	file      passing
	ended     bool      // the worker has ended the answer, or died
	holding   bool      // ended, but the worker is busy with the stream until a further End
	ignored   bool      // the exchange was ended: what comes is thrown away
	expired   bool      // the work for it was ended by force
	finished  time.Time // when it ended; zero: it has not
	err       error     // why it ended; nil: it is complete

	first  wire.Head // where head points
	fields [6]wire.Field
	one    [1]chunk
}

func (a *answer) init() { a.allowed, a.chunks = wire.Window, a.one[:0] }

// done reports whether the worker has finished with the stream.
func (a *answer) done() bool { return a.ended && !a.holding }

// memory is what bodies lie in.
type memory struct {
	frame  keeper  // of the frame that is entered
	shared *shared // nil: the worker shares none
}

// step enters a frame of the worker's. Errors are *wire.ProtocolError.
func (a *answer) step(f wire.Frame, m memory) error {
	if a.holding {
		if f.Kind != wire.KindEnd || f.Holds() {
			return wire.Errorf(nil, "%v frame on stream %d after the end of its answer", f.Kind, f.Stream)
		}
		a.holding = false
		return nil
	}
	a.holding = f.Holds()
	switch f.Kind {
	case wire.KindEarlyHints:
		return a.addHints(f)
	case wire.KindHead:
		return a.begin(f, m)
	case wire.KindBody:
		if a.head == nil {
			return wire.Errorf(nil, "a Body before its Head on stream %d", f.Stream)
		}
		if a.head.File && !a.file.refused && !a.ignored {
			return wire.Errorf(nil, "a Body in place of the file on stream %d", f.Stream)
		}
		return a.add(f.Payload, f, m)
	case wire.KindEnd:
		if a.head == nil && !a.ignored && !a.expired {
			return wire.Errorf(nil, "an End before its Head on stream %d", f.Stream)
		}
		a.ended = true
	case wire.KindError:
		e, err := wire.DecodeError(f.Payload)
		if err != nil {
			return err
		}
		a.err, a.ended = e, true
	}
	return nil
}

func (a *answer) addHints(f wire.Frame) error {
	if a.head != nil {
		return wire.Errorf(nil, "an EarlyHints after the Head of stream %d", f.Stream)
	}
	fields, err := wire.DecodeEarlyHints(f.Payload)
	if err != nil || a.ignored {
		return err
	}
	if a.hinted++; a.hinted <= MaxHints {
		a.hints = append(a.hints, fields)
	}
	return nil
}

func (a *answer) begin(f wire.Frame, m memory) error {
	if a.head != nil {
		return wire.Errorf(nil, "a second Head on stream %d", f.Stream)
	}
	h := &a.first
	body, err := h.Decode(f.Payload, a.fields[:0])
	if err != nil {
		return err
	}
	a.head, a.whole = h, f.End()
	if h.File = f.Flags&wire.FlagFile != 0; h.File && len(body) > 0 {
		return wire.Errorf(nil, "a Head with a file and with %d bytes of body on stream %d", len(body), f.Stream)
	}
	return a.add(body, f, m)
}

// add queues bytes of body. Shared ones cost no credit: their blocks are few.
func (a *answer) add(p []byte, f wire.Frame, m memory) error {
	c := chunk{p: p}
	if f.Shared() {
		if m.shared == nil {
			return wire.Errorf(nil, "bytes of stream %d in shared memory, which there is not", f.Stream)
		}
		var err error
		if c, err = m.shared.lend(p); err != nil {
			return err
		}
	}
	if c.shared() {
		a.queued += len(c.p)
	} else if a.allowed -= len(p); a.allowed < 0 {
		return wire.Errorf(nil, "%d bytes of body beyond the window of stream %d", -a.allowed, f.Stream)
	}
	switch {
	case a.ignored:
		c.free()
	case c.from != nil:
		a.chunks = append(a.chunks, c)
	case len(p) > 0:
		if b := m.frame.Keep(len(p)); b != nil {
			c.from = b
		} else {
			c.p = append([]byte(nil), p...)
		}
		a.chunks = append(a.chunks, c)
	}
	a.ended = a.ended || f.End()
	return nil
}

// next takes the next event off; ok: there is one. The worker may send give more
// bytes. What comes behind the last event is the answer's end, or its error.
func (a *answer) next() (ev Event, give int, ok bool) {
	switch {
	case len(a.hints) > 0:
		ev = Event{Kind: EventHints, Fields: a.hints[0]}
		a.hints = a.hints[1:]
		return ev, 0, true
	case a.head == nil:
	case !a.headTaken:
		a.headTaken = true
		ev = Event{Kind: EventHead, Head: a.head, Size: -1, DroppedHints: max(a.hinted-MaxHints, 0)}
		if a.whole {
			ev.Size = 0
			for _, c := range a.chunks {
				ev.Size += int64(len(c.p))
			}
		}
		return ev, 0, true
	case len(a.chunks) > 0:
		c := a.chunks[0]
		a.chunks[0] = chunk{}
		a.chunks = a.chunks[1:]
		if c.shared() {
			a.queued -= len(c.p)
		} else {
			a.taken += len(c.p)
		}
		if a.taken >= wire.Window/2 && !a.ended {
			give, a.taken = a.taken, 0
			a.allowed += give
		}
		return Event{Kind: EventBody, Body: c.p, from: c.from}, give, true
	case a.file.file != nil:
		return Event{Kind: EventFile, File: a.file.claim()}, 0, true
	}
	if a.ended && a.err == nil && (a.head == nil || !a.head.File || a.file.settled()) {
		return Event{Kind: EventEnd}, 0, true
	}
	return ev, 0, false
}

// failed is why no further event comes; nil: one may come.
func (a *answer) failed(stream uint32) error {
	switch {
	case !a.ended:
		return nil
	case a.err != nil:
		return a.err
	}
	return wire.Errorf(nil, "the end of stream %d before its file came", stream)
}

// unsendable says why no body can be sent any more; nil: it can. cancelled is the
// cause of Cancel.
func (a *answer) unsendable(cancelled error) error {
	switch {
	case a.ended && a.err != nil:
		return a.err
	case a.ended:
		return ErrAnswered
	case cancelled != nil:
		return cancelled
	case a.ignored:
		return ErrAnswered
	}
	return nil
}

// end notes that the answer has ended.
func (a *answer) end(now time.Time) {
	a.file.drop()
	if a.finished.IsZero() {
		a.finished = now
	}
}

// ignore throws away what was not taken, and what is to come. The worker may send
// give more bytes: the app must not wait for a reader that has left.
func (a *answer) ignore() (give int) {
	a.ignored = true
	for _, c := range a.chunks {
		c.free()
	}
	a.chunks = nil
	a.file.drop()
	if a.ended || a.file.taken {
		return 0
	}
	give = wire.Window - a.allowed
	a.allowed = wire.Window
	return give
}

// refill gives back the credit of what came after ignore.
func (a *answer) refill() (give int) {
	if give = wire.Window - a.allowed; !a.ignored || a.ended || give < wire.Window/2 {
		return 0
	}
	a.allowed = wire.Window
	return give
}

// scarce is the rest of a worker's credit at which its reader counts as behind: the
// worker would soon have to wait. The reader has given back what it took by halves
// of the window, so more than this much is waiting for it. As much in shared memory
// counts as well.
const scarce = wire.Window / 4

// behind reports whether the answer is not taken as fast as it comes.
func (a *answer) behind() bool {
	return (a.allowed <= scarce || a.queued >= wire.Window-scarce) && !a.ended && !a.ignored
}
