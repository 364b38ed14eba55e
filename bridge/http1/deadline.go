package http1

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// readDeadline is the deadline of the reads of one request's body. Handlers set one before
// each read and seldom wait for it: the connection itself gets it only when a read begins
// that has to wait. The zero value is one without a deadline.
type readDeadline struct {
	mu      sync.Mutex
	want    time.Time // zero: none
	armed   time.Time // what the connection has; zero: none
	reading bool
	moved   bool // set was called while a read was under way
}

// set sets the deadline, for a read that is under way too.
func (d *readDeadline) set(nc net.Conn, t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.want = t
	if d.reading && !t.Equal(d.armed) {
		d.moved = true
		return d.arm(nc)
	}
	return nil
}

// over reports a deadline that has passed.
func (d *readDeadline) over() bool { return !d.want.IsZero() && !d.want.After(time.Now()) }

// begin is called before a read from nc.
func (d *readDeadline) begin(nc net.Conn) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over() {
		return os.ErrDeadlineExceeded
	}
	if !d.want.Equal(d.armed) {
		if err := d.arm(nc); err != nil {
			return err
		}
	}
	d.reading, d.moved = true, false
	return nil
}

// end is called after it, with its error. again: the deadline was moved meanwhile. A
// connection that was ended for its slow client fails in the same way: that is no reason to
// read again.
func (d *readDeadline) end(err error) (again bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reading = false
	return d.moved && errors.Is(err, os.ErrDeadlineExceeded) && !d.over()
}

// clear takes the deadline off nc; the request is over.
func (d *readDeadline) clear(nc net.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.want = (time.Time{}); !d.armed.IsZero() {
		_ = d.arm(nc)
	}
}

// arm gives nc the deadline. mu is held.
func (d *readDeadline) arm(nc net.Conn) error {
	d.armed = d.want
	return nc.SetReadDeadline(d.want)
}
