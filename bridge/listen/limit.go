package listen

import (
	"net"
	"sync"
	"time"
)

// slots are the connections that may be open. One is taken before Accept and given back
// when the connection is closed. The nil slots have no limit.
type slots struct{ c chan struct{} }

func newSlots(n int) *slots { return &slots{make(chan struct{}, n)} }

func (s *slots) free() {
	if s != nil {
		<-s.c
	}
}

func (s *slots) full() bool { return len(s.c) == cap(s.c) }

// limitListener pauses while all slots are taken, and while the process has no free file
// descriptor.
type limitListener struct {
	net.Listener
	group   *Group
	headers bool // each connection begins with a PROXY header

	done chan struct{} // closed by Close
	once sync.Once

	fullLogged, filesLogged time.Time // only Accept's goroutine
}

// quiet is how long a pause is not logged again.
const quiet = time.Minute

// Accept returns a *Conn.
func (l *limitListener) Accept() (net.Conn, error) {
	if err := l.takeSlot(); err != nil {
		return nil, err
	}
	for wait := 5 * time.Millisecond; ; wait = min(max(2*wait, 5*time.Millisecond), time.Second) {
		nc, err := l.Listener.Accept()
		if err == nil {
			c, limits := l.newConn(nc), l.group.watch.limits.Load()
			if !l.admit(c, limits) {
				wait = 0
				continue
			}
			l.group.watch.add(c)
			return c, nil
		}
		if !noDescriptors(err) {
			l.group.slots.free()
			return nil, err
		}
		if time.Since(l.filesLogged) > quiet {
			l.filesLogged = time.Now()
			l.group.log.Warn("accept_paused", "address", l.Addr().String(), "error", err, "message", "no file descriptor is free: raise the limit (ulimit -n), or lower max_connections")
		}
		select {
		case <-time.After(wait):
		case <-l.done:
			l.group.slots.free()
			return nil, net.ErrClosed
		}
	}
}

func (l *limitListener) newConn(nc net.Conn) *Conn {
	if !l.headers {
		return newConn(nc, l.group)
	}
	h := &Header{Conn: nc, at: l.Addr()}
	h.of = newConn(h, l.group)
	h.of.Header = h
	return h.of
}

// admit reports whether the connection is served; otherwise it was closed.
func (l *limitListener) admit(c *Conn, limits *Limits) bool {
	switch h := c.Header; {
	case h == nil:
		if limits.denies(l.Addr(), addrOf(c)) {
			l.group.denied(c)
			return false
		}
		if l.group.counts.take(c, limits) {
			return true
		}
		l.group.tooMany(c, limits)
	case limits.Trusted != nil && limits.Trusted(plainAddr(h.Conn.RemoteAddr())):
		return true // the client is counted when the header was read
	default:
		_ = c.SetLinger(0)
		_ = c.Conn.Close()
		l.group.refuse(h, RefusedUntrusted, errUntrusted)
	}
	return false
}

// takeSlot waits for a slot.
func (l *limitListener) takeSlot() error {
	s := l.group.slots
	if s == nil {
		return nil
	}
	select {
	case s.c <- struct{}{}:
		return nil
	default:
	}
	if time.Since(l.fullLogged) > quiet {
		l.fullLogged = time.Now()
		l.group.log.Warn("accept_paused", "address", l.Addr().String(), "max_connections", cap(s.c), "message", "all connections are taken: new ones wait in the kernel's backlog")
	}
	select {
	case s.c <- struct{}{}:
		return nil
	case <-l.done:
		return net.ErrClosed
	}
}

// Close ends Accept.
func (l *limitListener) Close() error {
	err := net.ErrClosed
	l.once.Do(func() {
		close(l.done)
		err = l.Listener.Close()
	})
	return err
}
