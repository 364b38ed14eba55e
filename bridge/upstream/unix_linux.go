package upstream

import (
	"context"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// dialUnix connects to a unix socket, at half of what package net takes: without its search for addresses, its timer, and two
// system calls for the names of the ends. The error is that of package net.
func dialUnix(ctx context.Context, path string) (net.Conn, error) {
	c := &unixConn{at: net.UnixAddr{Name: path, Net: "unix"}}
	if err := context.Cause(ctx); err != nil {
		return nil, c.failed("dial", err)
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, c.failed("dial", os.NewSyscallError("socket", err))
	}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil { // at once, or never
		unix.Close(fd)
		return nil, c.failed("dial", os.NewSyscallError("connect", err))
	}
	c.file = os.NewFile(uintptr(fd), path) // joins the poller
	return c, nil
}

// unixConn is a connection over a unix socket.
type unixConn struct {
	file *os.File
	at   net.UnixAddr
}

// failed is err as package net has it.
func (c *unixConn) failed(op string, err error) error {
	if path, ok := err.(*os.PathError); ok {
		err = path.Err
	}
	if err == os.ErrClosed {
		err = net.ErrClosed
	}
	return &net.OpError{Op: op, Net: "unix", Addr: &c.at, Err: err}
}

// Read is net.Conn's.
func (c *unixConn) Read(p []byte) (int, error) {
	n, err := c.file.Read(p)
	if _, ok := err.(*os.PathError); ok {
		err = c.failed("read", err)
	}
	return n, err
}

// Write is net.Conn's.
func (c *unixConn) Write(p []byte) (int, error) {
	n, err := c.file.Write(p)
	if err != nil {
		err = c.failed("write", err)
	}
	return n, err
}

// Close is net.Conn's.
func (c *unixConn) Close() error { return c.file.Close() }

// LocalAddr is net.Conn's: it has no name.
func (c *unixConn) LocalAddr() net.Addr { return &net.UnixAddr{Net: "unix"} }

// RemoteAddr is net.Conn's.
func (c *unixConn) RemoteAddr() net.Addr { return &c.at }

// SetDeadline is net.Conn's.
func (c *unixConn) SetDeadline(t time.Time) error { return c.file.SetDeadline(t) }

// SetReadDeadline is net.Conn's.
func (c *unixConn) SetReadDeadline(t time.Time) error { return c.file.SetReadDeadline(t) }

// SetWriteDeadline is net.Conn's.
func (c *unixConn) SetWriteDeadline(t time.Time) error { return c.file.SetWriteDeadline(t) }

// SyscallConn is syscall.Conn's.
func (c *unixConn) SyscallConn() (syscall.RawConn, error) { return c.file.SyscallConn() }
