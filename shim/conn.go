package shim

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/shim/nonblock"
	"github.com/standpipe/standpipe/shim/wire"
)

// Owner hears what happens on a Conn. Its methods are called on the Conn's own
// goroutines (Freed and Expired on a caller's too) and must not block.
type Owner interface {
	// Noise gets what the worker wrote before its nonce; p is the callee's.
	Noise(p []byte)
	Hello(*wire.Hello)
	Ready(*wire.Ready)
	Failed(*wire.Failed)
	Log(l *Label, r *wire.LogRecord) // l is nil when no request is meant
	Stacks(text string)
	// Freed: the worker has finished with this exchange, and may be given the
	// next request; called once per exchange.
	Freed(x *Exchange, o Outcome)
	// Expired: Exchange.Abort was called; why is empty for ClientGone. The owner
	// calls Conn.Interrupt when it has looked.
	Expired(x *Exchange, c Cause, why string)
	// Purge: the app removes entries of the HTTP cache, and waits for done, which is called once, on any goroutine.
	Purge(p *wire.Purge, done func(removed int, err error))
	// Debug: a debugger in the app wants the terminal. answer is called at most once, on any goroutine: with the path of
	// the terminal, or with why there is none. end is called once: the debugger has ended, or the Conn has failed.
	Debug(d Debugging, answer func(device string, refused error)) (end func())
	// Stuck: n requests wait behind one that runs, and the worker does not give
	// them back.
	Stuck(n int)
}

// Conn owns Go's ends of one worker's pipes. It fails once and stays failed.
type Conn struct {
	name  string
	ends  Ends
	owner Owner
	out   *writer
	ctl   *writer // nil without a control socket

	mu      sync.Mutex
	streams map[uint32]*Exchange // sent, and not finished by the worker
	next    uint32
	queue   sentQueue
	alarm   alarm      // of look
	left    time.Time  // when an exchange last ended; zero: none has
	err     error      // why the Conn failed; nil while it lives
	lost    []InFlight // what was in flight when it failed
	closed  bool
	offered bool // shared memory, which is once
	deaf    bool // a write failed, or CloseRequests was called: nothing new goes out
	boot    bootStage
	dumps   int    // Dumps that have no Stacks
	sends   uint64 // Requests that went out

	shared  atomic.Pointer[shared] // nil: there is none
	purges  purges
	debugs  debugs
	overdue overdue
	fate    Fate
	fated   chan struct{} // closed when fate is set
}

// bootStage is how far a worker's boot is. Each message of it comes once, in its place.
type bootStage uint8

const (
	bootNew   bootStage = iota // Hello is to come
	bootHello                  // it came; Boot is to go out
	bootSent                   // Ready or Failed is to come
	bootDone
)

// NewConn returns the connection to the worker called name ("shop/3"). Run must
// be called.
func NewConn(name string, ends Ends, owner Owner) *Conn {
	c := &Conn{name: name, ends: ends, owner: owner, out: newWriter(ends.W), streams: make(map[uint32]*Exchange), fated: make(chan struct{})}
	c.out.bad = func(err error) { // the worker has closed its stdin and lives: its last answers may still be in the pipe
		c.mu.Lock()
		told := c.deaf || c.err != nil
		c.deaf = true
		c.mu.Unlock()
		if !told {
			endSoon(c, err, steps)
		}
	}
	if ends.Control != nil {
		c.ctl = newWriter(ends.Control)
	}
	return c
}

// Run reads frames until the pipe ends or fails, and returns why: io.EOF for an
// end between two frames, a *ProtocolError, or the pipe's error. All goroutines
// of the Conn have ended when it returns, and its ends are closed.
func (c *Conn) Run() error {
	var wg sync.WaitGroup
	wg.Go(c.out.loop)
	control := make(chan struct{})
	if c.ctl != nil {
		wg.Go(c.ctl.loop)
		wg.Go(func() {
			defer close(control)
			(&controlReader{conn: c, in: newRights(c.ends.Control)}).run()
		})
	} else {
		close(control)
	}
	err := (&pipeReader{conn: c, r: nonblock.NewReader(c.ends.R)}).run()
	if !errors.As(err, new(*wire.ProtocolError)) {
		// The pipe of a dead worker may end before its last bytes on the control socket were read. They count: what
		// breaks the protocol there is the cause. The socket ends too, unless the worker lives.
		Within(control, lastControl)
	}
	c.fail(err) // without effect after a ProtocolError of the control socket
	c.Close()
	wg.Wait()
	if first := c.Err(); errors.As(first, new(*wire.ProtocolError)) {
		return first
	}
	return err
}

// lastControl is how long the control socket may take to end when the pipe has ended.
const lastControl = 500 * time.Millisecond

// Close closes Go's ends. Open exchanges get ErrWorkerGone. It may be called at
// any time, more than once, from any goroutine.
func (c *Conn) Close() {
	c.fail(io.ErrClosedPipe)
	c.mu.Lock()
	closed := c.closed
	c.closed = true
	c.mu.Unlock()
	if closed {
		return
	}
	c.overdue.stop()
	c.ends.R.Close()
	c.ends.W.Close()
	c.out.close()
	if c.ctl != nil {
		c.ends.Control.Close()
		c.ctl.close()
	}
}

// CloseRequests closes the worker's stdin: no further request comes, the worker
// finishes what it runs and leaves. The answers are still read.
func (c *Conn) CloseRequests() {
	c.mu.Lock()
	c.deaf = true
	c.mu.Unlock()
	c.ends.W.Close()
}

// Boot sends the boot message.
func (c *Conn) Boot(m *wire.Boot) error {
	c.mu.Lock()
	c.queue.on = m.Threads <= 1 && !m.Gevent
	if c.boot == bootHello {
		c.boot = bootSent
	}
	c.debugs.allowed = m.Debug
	c.mu.Unlock()
	return c.out.send(false, func(b []byte) ([]byte, error) { return wire.AppendBoot(b, m) })
}

// Stop tells the worker that SIGTERM counts from now on.
func (c *Conn) Stop() error { return c.order(wire.KindStop, 0) }

// Dump asks the worker for the stacks of its threads: Owner.Stacks. The thread
// that runs x, if any, is marked.
func (c *Conn) Dump(x *Exchange) error {
	id := uint32(0)
	if x != nil {
		id = x.id
	}
	c.mu.Lock()
	c.dumps++
	c.mu.Unlock()
	return c.order(wire.KindDump, id)
}

// Interrupt ends the app's work for x by an exception, as far as its interpreter can.
// Without a control socket it returns errors.ErrUnsupported.
func (c *Conn) Interrupt(x *Exchange, cause Cause) error {
	return c.order(wire.KindInterrupt, x.id, byte(cause))
}

// order sends a control frame. Without a control socket it returns
// errors.ErrUnsupported.
func (c *Conn) order(k wire.Kind, stream uint32, payload ...byte) error {
	if c.ctl == nil {
		return errors.ErrUnsupported
	}
	return c.ctl.send(false, func(b []byte) ([]byte, error) {
		return wire.AppendFrame(b, wire.Frame{Kind: k, Stream: stream, Payload: payload}), nil
	})
}

// Err returns why the Conn failed, or nil.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// InFlight returns the requests that the worker has not finished; after the
// Conn has failed, those that it had not finished then.
func (c *Conn) InFlight() []InFlight {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.lost
	}
	return unfinished(c)
}

// Sole returns the id of the request that alone has been in flight for the last
// while: none other ran or ended in it. Otherwise it is empty.
func (c *Conn) Sole(while time.Duration) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.streams) != 1 || time.Since(c.left) < while {
		return ""
	}
	for _, x := range c.streams {
		return x.label.ID
	}
	return ""
}

// unfinished lists what was sent; mu is held.
func unfinished(c *Conn) []InFlight {
	var list []InFlight
	for _, x := range c.queue.list {
		list = append(list, x.State())
	}
	if !c.queue.on {
		for _, x := range c.streams {
			list = append(list, x.State())
		}
	}
	return list
}

// Open begins an exchange; the worker hears of it with Send. It fails with
// ErrNotStarted when the Conn has failed.
func (c *Conn) Open(l Label) (*Exchange, error) {
	c.mu.Lock()
	hears := c.err == nil && !c.deaf
	c.mu.Unlock()
	if !hears {
		return nil, fmt.Errorf("%s: %w", c.name, ErrNotStarted)
	}
	x := &Exchange{conn: c, label: l, reader: newSignal()}
	x.answer.init()
	x.upload.credit = wire.Window
	return x, nil
}

const (
	// largeBody is what goes to the worker by itself; bytes. To wait for others, which
	// spares a small request a write, would only fill the pipe.
	largeBody = 16 << 10
	// usualHead is what most environs take less than; bytes.
	usualHead = 4 << 10
)

// request queues the Request of x and numbers it, both under one lock: the worker
// gets them in the order of their numbers. It reports whether the caller is to
// flush, and whether x waits behind another one. Errors are ErrNotStarted, and
// AppendRequest's.
func (c *Conn) request(x *Exchange, vars []wire.Var, body []byte, last bool) (flush, behind bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil || c.deaf {
		return false, false, ErrNotStarted
	}
	id := c.next + 1
	for id == 0 || c.streams[id] != nil { // 0 is no stream; a slow one may be met again after 2^32 others
		id++
	}
	flush, err = c.out.add(false, func(b []byte) ([]byte, error) {
		if last && len(body) >= sharedLeast {
			var at [sharedRef]byte
			if ref, ok := c.shared.Load().put(at[:0], body); ok {
				return wire.AppendRequest(b, id, wire.FlagEnd|wire.FlagShared, vars, ref)
			}
		}
		if len(body) >= largeBody {
			b = c.out.grow(b, len(body)+usualHead)
		}
		var fl wire.Flags
		if last {
			fl = wire.FlagEnd
		}
		return wire.AppendRequest(b, id, fl, vars, body)
	})
	if err != nil {
		return false, false, err
	}
	c.next, x.id = id, id
	c.sends++
	c.streams[id] = x
	now := time.Now()
	x.mu.Lock()
	x.upload.credit -= len(body)
	x.sent = now
	if len(c.queue.list) == 0 {
		x.since = now
	}
	if !last {
		x.sender = newSignal()
		x.upload.moved, x.upload.starved = now, x.upload.state == bodySent // one that is held back is not missed before it is asked for
	}
	x.mu.Unlock()
	if c.queue.on && c.queue.add(x, now) {
		c.alarm.set(recallAfter, c.look)
	}
	return flush, len(c.queue.list) > 1, nil
}

// fail marks the Conn as failed and tells the exchanges.
func (c *Conn) fail(err error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = err
	c.lost = unfinished(c)
	c.shared.Load().leave()
	streams := c.streams
	c.streams = nil
	c.queue.clear()
	c.mu.Unlock()
	c.debugs.fail()
	for _, x := range streams {
		x.fail(nil)
		c.owner.Freed(x, Broken)
	}
}

// finish takes a stream that has ended off the table. It reports whether the
// stream was there: a caller that gets true tells the owner. now is the time.
func (c *Conn) finish(x *Exchange, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.streams[x.id] != x {
		return false
	}
	delete(c.streams, x.id)
	c.left = now
	if c.queue.on {
		c.queue.remove(x, now)
	}
	return true
}

// SetFate says how the worker ended. It is called once, by the owner.
func (c *Conn) SetFate(f Fate) {
	c.fate = f
	close(c.fated)
}

// named gives an error the worker's name, where it is one of this package.
func named(worker string, err error) error {
	switch e := err.(type) {
	case *wire.ProtocolError:
		return fmt.Errorf("%s: %w", worker, e)
	default:
		if err == ErrWorkerGone || err == ErrNotStarted || err == ErrRecalled {
			return fmt.Errorf("%s: %w", worker, err)
		}
	}
	return err
}
