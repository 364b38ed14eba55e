package shim

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/shim/wire"
)

// Debugging is a debugger in the app that wants the terminal.
type Debugging struct {
	Label    *Label // of the request that it stands in; nil: of none
	At       string // file:line
	Debugger string
}

// debugs are the Debugs of a worker that have no DebugEnd, by its numbers. While there is one no time of the worker's requests
// passes.
type debugs struct {
	open   atomic.Int32 // how many there are
	closed atomic.Int64 // when the last one ended, by ticks; 0: none has

	mu      sync.Mutex
	allowed bool // Boot.Debug; written under the mutex of the Conn before any frame is read that asks
	failed  bool
	ends    map[uint32]func() // nil as a value: Owner.Debug has not returned yet
}

// begin enters a Debug. Errors are *wire.ProtocolError.
func (d *debugs) begin(number uint32) (failed bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, again := d.ends[number]; again || number == 0 || len(d.ends) >= wire.MaxDebugOpen {
		return false, wire.Errorf(nil, "a Debug of the number %d while %d have not ended", number, len(d.ends))
	}
	if d.failed {
		return true, nil
	}
	if d.ends == nil {
		d.ends = make(map[uint32]func())
	}
	d.ends[number] = nil
	d.open.Add(1)
	return false, nil
}

// began enters what ends it. It calls that at once when the Conn has failed meanwhile.
func (d *debugs) began(number uint32, end func()) {
	d.mu.Lock()
	failed := d.failed
	if !failed {
		d.ends[number] = end
	}
	d.mu.Unlock()
	if failed {
		end()
	}
}

// isOpen reports whether a Debug has not ended.
func (d *debugs) isOpen(number uint32) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, found := d.ends[number]
	return found
}

// end ends a Debug. Errors are *wire.ProtocolError.
func (d *debugs) end(number uint32) error {
	d.mu.Lock()
	end, found := d.ends[number]
	delete(d.ends, number)
	failed := d.failed
	if found {
		d.over()
	}
	d.mu.Unlock()
	if !found && !failed {
		return wire.Errorf(nil, "a DebugEnd of the number %d without a Debug", number)
	}
	if end != nil {
		end()
	}
	return nil
}

// over counts one that has ended. mu is held.
func (d *debugs) over() {
	d.closed.Store(ticks(time.Now()))
	d.open.Add(-1)
}

// fail ends all.
func (d *debugs) fail() {
	d.mu.Lock()
	ends := d.ends
	d.ends, d.failed = nil, true
	for range ends {
		d.over()
	}
	d.mu.Unlock()
	for _, end := range ends {
		if end != nil {
			end()
		}
	}
}

// resumed returns since when the time of requests passes again; zero: it always has. paused: it does not pass.
func (d *debugs) resumed() (since time.Time, paused bool) {
	if d.open.Load() > 0 {
		return since, true
	}
	if at := d.closed.Load(); at != 0 {
		since = started.Add(time.Duration(at))
	}
	return since, false
}

// left returns how much of limit is left of a time that ends now without debuggers; 0: nothing.
func (d *debugs) left(limit time.Duration) time.Duration {
	since, paused := d.resumed()
	switch {
	case paused:
		return limit
	case since.IsZero():
		return 0
	}
	return max(limit-time.Since(since), 0)
}

// takeDebug passes a Debug to the owner. Its answer goes out when there is one; the app waits for it.
func (r *controlReader) takeDebug(f wire.Frame) error {
	c := r.conn
	c.mu.Lock()
	allowed := c.boot >= bootSent && c.debugs.allowed
	c.mu.Unlock()
	if !allowed {
		return wire.Errorf(nil, "a Debug that the boot does not allow")
	}
	m, err := wire.DecodeDebug(f.Payload)
	if err != nil {
		return err
	}
	number := f.Stream
	failed, err := c.debugs.begin(number)
	if failed || err != nil {
		return err
	}
	d := Debugging{At: m.At, Debugger: m.Debugger}
	c.mu.Lock()
	x := c.streams[m.Stream]
	c.mu.Unlock()
	if x != nil {
		d.Label = &x.label
		x.mu.Lock()
		x.debugged = true
		x.mu.Unlock()
	}
	end := c.owner.Debug(d, func(device string, refused error) {
		if !c.debugs.isOpen(number) {
			return
		}
		why := ""
		if refused != nil {
			device, why = "", refused.Error()
		}
		_ = c.ctl.send(false, func(b []byte) ([]byte, error) {
			return wire.AppendTerminal(b, number, device, why)
		}) // fails when the worker is gone: there is no app that waits
	})
	c.debugs.began(number, end)
	return nil
}
