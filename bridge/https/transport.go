package https

import (
	"net"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/cpu"
)

// transport is what a tls.Conn reads from and writes to.
type transport struct {
	net.Conn // a *listen.Conn
	records  records

	shaking bool   // the handshake is under way; only its goroutine uses it
	done    func() // gives the slot back; nil: the handshake has none

	closing atomic.Bool // nothing is written any more that would have to wait
}

// begin is called before the handshake.
func (t *transport) begin() { t.shaking = true }

// end is called after it.
func (t *transport) end() {
	t.shaking = false
	t.idle()
}

// busy takes a slot: the handshake computes.
func (t *transport) busy() {
	if t.shaking && t.done == nil {
		t.done = cpu.Slot()
	}
}

// idle gives the slot back: the handshake waits for its client.
func (t *transport) idle() {
	if t.done != nil {
		t.done()
		t.done = nil
	}
}

// Read is net.Conn's.
func (t *transport) Read(p []byte) (int, error) {
	t.idle()
	n, err := t.Conn.Read(p)
	if n > 0 {
		t.records.read(p[:n])
		t.busy()
	}
	return n, err
}

// Write is net.Conn's.
func (t *transport) Write(p []byte) (int, error) {
	t.idle()
	return t.Conn.Write(p)
}

// farewell is how long a close_notify may wait for a client that takes nothing.
const farewell = 10 * time.Millisecond

// SetWriteDeadline is net.Conn's. tls.Conn gives a close_notify 5 seconds.
func (t *transport) SetWriteDeadline(at time.Time) error {
	if t.closing.Load() {
		at = time.Now().Add(farewell)
	}
	return t.Conn.SetWriteDeadline(at)
}
