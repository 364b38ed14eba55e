//go:build unix

package http1

import (
	"io"
	"net"
	"os"
	"syscall"

	"github.com/standpipe/standpipe/shim/nonblock"
)

// initWait prepares the wait for a request.
func initWait(c *conn, nc net.Conn) {
	if sc, ok := nc.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			c.raw, c.ready = raw, c.readFirst
		}
	}
}

// first waits for the first bytes of a request. It takes a buffer when there is something to
// read, so that an idle connection holds none.
func (c *conn) first() error {
	if c.raw == nil {
		return c.firstBuffered()
	}
	c.readErr = nil
	if err := c.raw.Read(c.ready); err != nil {
		return err
	}
	return c.readErr
}

// glance is first without a wait. false: nothing is there, or nothing can be read without a wait.
func glance(c *conn) (came bool) {
	if c.raw == nil {
		return false
	}
	c.readErr = nil
	_ = c.raw.Control(func(fd uintptr) { came = c.readFirst(fd) })
	return came
}

// readFirst tries to read. false: nothing is there.
func (c *conn) readFirst(fd uintptr) bool {
	s := scratches.Get().(*scratch)
	n, err := nonblock.Read(fd, s.in.buf)
	if n > 0 {
		s.in.conn, s.in.w = c.link, n
		c.s = s
		return true
	}
	scratches.Put(s)
	switch err {
	case syscall.EAGAIN:
		return false
	case nil:
		c.readErr = io.EOF
	default:
		c.readErr = os.NewSyscallError("read", err)
	}
	return true
}
