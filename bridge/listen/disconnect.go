package listen

import (
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Disconnecter is told that a request's client has disconnected. Disconnected runs on a
// goroutine of the Group, or on the one that closes the connection; all other connections
// wait for it. It must not wait for anything, and must not call EndRequest.
type Disconnecter interface {
	// Disconnected gets an error that wraps httpx.ErrClientGone and the reason: io.EOF
	// (the client closed its side while it waited), syscall.ECONNRESET (it closed or
	// reset the connection), or net.ErrClosed (Conn.Close was called meanwhile).
	Disconnected(err error)
}

var (
	errLeft   = fmt.Errorf("%w: %w", httpx.ErrClientGone, io.EOF)
	errReset  = fmt.Errorf("%w: %w", httpx.ErrClientGone, syscall.ECONNRESET)
	errClosed = fmt.Errorf("%w: %w", httpx.ErrClientGone, net.ErrClosed)
)

const (
	// watchTick is how often young requests are looked at. A request that is found for
	// the second time is watched: its age is between one and two ticks.
	watchTick = 10 * time.Millisecond
	// halfCloseTime: a client that closes its side for writing within it waits for its
	// answer. It counts from the first look, up to one tick after the request.
	halfCloseTime = 50 * time.Millisecond
)

// clientWatch is what a Conn knows of its client while a request runs.
//
// state has the phase in its low bits and a number above them, so that two requests of
// one connection are told apart. The goroutine that serves the connection begins and ends
// a request; every other change is made with disconnects.mu held.
type clientWatch struct {
	state      atomic.Uint32
	queued     atomic.Bool // the connection is among the young ones, or will be at the next tick
	halfClosed atomic.Bool
	told       Disconnecter // of the request; may be read in the phase telling only
	next       *Conn        // in disconnects.fresh
	token      uint64       // of disconnects.watched; 0: it is not watched
}

// The phases of clientWatch.state.
const (
	phaseIdle    = iota // no request
	phaseRunning        // a request runs that is not watched
	phaseWatched        // a request runs, and the system reports its client's end
	phaseTelling        // Disconnected is called
	phaseTold           // Disconnected has returned

	phaseBits  = 3
	phaseMask  = 1<<phaseBits - 1
	phaseFirst = 1 << phaseBits
)

// WatchRequest is called when the last byte of a request was read. From now on d is told,
// once, if the client disconnects: by a reset or a full close at any time, or by closing
// its side for writing later than 50 ms after the request. A client that does so earlier
// waits for its answer (HalfClosed). A client's end is noticed for requests that run for
// longer than about 10 ms, and on Linux only.
func (c *Conn) WatchRequest(d Disconnecter) {
	w := &c.client
	w.told = d
	w.state.Store(w.state.Load()&^phaseMask + phaseFirst + phaseRunning)
	if disconnectsSeen && !w.queued.Load() {
		c.group.clients.push(c)
	}
}

// EndRequest is called when the request is over, before Close. After it has returned, the
// Disconnecter is not called any more. Without WatchRequest before it, it does nothing.
func (c *Conn) EndRequest() {
	w := &c.client
	s := w.state.Load()
	if s&phaseMask == phaseIdle {
		return
	}
	if s&phaseMask != phaseRunning || !w.state.CompareAndSwap(s, s&^phaseMask) {
		c.group.clients.endRequest(c)
	}
	w.told = nil
}

// HalfClosed reports that the client has closed its side for writing, and waits for its
// answer. The connection takes no further request. It may be known only for requests that
// are watched.
func (c *Conn) HalfClosed() bool { return c.client.halfClosed.Load() }

// closed tells the request that its connection was closed by another goroutine.
func (w *clientWatch) closed(c *Conn) {
	for {
		s := w.state.Load()
		if p := s & phaseMask; p != phaseRunning && p != phaseWatched || c.group.clients.tell(c, s, errClosed) {
			return
		}
	}
}

// disconnects finds clients that disconnect while their requests run. Most requests end
// within two ticks: they cost a few atomic operations. Others are registered with the
// system, which reports the client's end.
//
// The tick is a timer that runs while there are young requests. The goroutine of poller
// begins with the first request. Both end in end.
type disconnects struct {
	fresh   atomic.Pointer[Conn] // a stack of connections that are not in young
	ticking atomic.Bool          // the timer is set, or about to be

	mu      sync.Mutex
	ended   bool
	timer   *time.Timer
	young   []youngRequest
	watched map[uint64]watchedRequest // by token
	numbers uint32                    // of tokens
	quiet   sync.Cond                 // some Disconnected has returned
	poller  poller
}

type youngRequest struct {
	c     *Conn
	state uint32 // at the last tick
	since time.Time
}

type watchedRequest struct {
	c     *Conn
	since time.Time // the first tick of the request
}

// push adds c to the young connections.
func (d *disconnects) push(c *Conn) {
	if !c.client.queued.CompareAndSwap(false, true) {
		return
	}
	for {
		head := d.fresh.Load()
		c.client.next = head
		if d.fresh.CompareAndSwap(head, c) {
			break
		}
	}
	d.start()
}

// start sets the timer unless it is set.
func (d *disconnects) start() {
	if d.ticking.Load() || !d.ticking.CompareAndSwap(false, true) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.ended: // ticking stays true: the timer is not set any more
	case d.timer == nil:
		d.poller.prepare(d)
		d.timer = time.AfterFunc(watchTick, d.tick)
	default:
		d.timer.Reset(watchTick)
	}
}

// tick registers the requests that the last tick has seen already. It runs on the timer's
// goroutine.
func (d *disconnects) tick() {
	d.mu.Lock()
	if d.ended {
		d.mu.Unlock()
		return
	}
	now := time.Now()
	kept := d.young[:0]
	for _, y := range d.young {
		if d.age(&y, now) {
			kept = append(kept, y)
		}
	}
	for c := d.fresh.Swap(nil); c != nil; {
		next := c.client.next
		c.client.next = nil
		if y := (youngRequest{c: c}); d.age(&y, now) {
			kept = append(kept, y)
		}
		c = next
	}
	clear(d.young[min(len(kept), len(d.young)):])
	d.young = kept
	if len(kept) > 0 {
		d.timer.Reset(watchTick)
		d.mu.Unlock()
		return
	}
	d.mu.Unlock()
	d.ticking.Store(false)
	if d.fresh.Load() != nil {
		d.start()
	}
}

// age looks at one young connection, and reports whether it stays young. mu is held.
func (d *disconnects) age(y *youngRequest, now time.Time) bool {
	w := &y.c.client
	s := w.state.Load()
	if s&phaseMask == phaseRunning {
		if s != y.state {
			y.state, y.since = s, now
			return true
		}
		d.register(y)
	}
	w.queued.Store(false)
	// The next request may have begun before, and relied on queued.
	if again := w.state.Load(); again&phaseMask == phaseRunning && again != s && w.queued.CompareAndSwap(false, true) {
		y.state, y.since = again, now
		return true
	}
	return false
}

// register has the system report the end of the client. mu is held.
func (d *disconnects) register(y *youngRequest) {
	w := &y.c.client
	if !w.state.CompareAndSwap(y.state, y.state&^phaseMask+phaseWatched) {
		return
	}
	d.numbers++
	token, half, err := d.poller.add(d, y.c, d.numbers)
	if err != nil {
		return // it is closed; or nothing can be watched
	}
	if half && !y.c.NoHalfClose { // seen before anything else: so it came early, however late the tick is
		w.halfClosed.Store(true)
	}
	if d.watched == nil {
		d.watched = make(map[uint64]watchedRequest)
	}
	w.token = token
	d.watched[token] = watchedRequest{y.c, y.since}
}

// report is called when the system reports the end of the client with the token: of its
// own side (left), or of the connection.
func (d *disconnects) report(token uint64, left bool, now time.Time) {
	d.mu.Lock()
	of, ok := d.watched[token]
	if !ok {
		d.mu.Unlock()
		return
	}
	w := &of.c.client
	if left && !of.c.NoHalfClose && (w.halfClosed.Load() || now.Sub(of.since) <= halfCloseTime) {
		w.halfClosed.Store(true)
		d.mu.Unlock()
		return
	}
	s := w.state.Load()
	d.mu.Unlock()
	if s&phaseMask != phaseWatched {
		return
	}
	if left {
		d.tell(of.c, s, errLeft)
	} else {
		d.tell(of.c, s, errReset)
	}
}

// tell calls Disconnected, unless the request is not in the state s any more.
func (d *disconnects) tell(c *Conn, s uint32, err error) bool {
	w := &c.client
	d.mu.Lock()
	if !w.state.CompareAndSwap(s, s&^phaseMask+phaseTelling) {
		d.mu.Unlock()
		return false
	}
	d.mu.Unlock()
	w.told.Disconnected(err)
	d.mu.Lock()
	w.state.Store(s&^phaseMask + phaseTold)
	d.quiet.Broadcast()
	d.mu.Unlock()
	return true
}

// endRequest ends a request that is watched, or whose client has disconnected.
func (d *disconnects) endRequest(c *Conn) {
	w := &c.client
	d.mu.Lock()
	defer d.mu.Unlock()
	for w.state.Load()&phaseMask == phaseTelling {
		d.quiet.Wait()
	}
	if w.token != 0 {
		delete(d.watched, w.token)
		d.poller.remove(c)
		w.token = 0
	}
	w.state.Store(w.state.Load() &^ phaseMask)
}

// end ends the timer and the poller's goroutine, and waits for them.
func (d *disconnects) end() {
	d.mu.Lock()
	d.ended = true
	if d.timer != nil {
		d.timer.Stop()
	}
	d.mu.Unlock()
	d.poller.end()
}
