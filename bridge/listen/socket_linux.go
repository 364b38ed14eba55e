package listen

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/standpipe/standpipe/shim/nonblock"
)

// socket is a connection over a unix socket that joins Go's poller when it has to wait for
// the first time. A server in front that opens a connection for each request sends the
// request at once, and the answer fits the kernel's buffer: such a connection never waits,
// and needs neither the poller nor package net's object.
type socket struct {
	local, remote *net.UnixAddr

	mu   sync.Mutex
	fd   int      // -1: closed, or file's
	file *os.File // nil: it has not waited yet
	raw  syscall.RawConn
}

func newSocket(fd int, local, remote *net.UnixAddr) *socket {
	return &socket{local: local, remote: remote, fd: fd}
}

// rawSocket is a socket's syscall.RawConn. A callback must not block: it may run with mu held.
type rawSocket struct{ *socket }

// SyscallConn is syscall.Conn's.
func (s *socket) SyscallConn() (syscall.RawConn, error) { return rawSocket{s}, nil }

// Read is syscall.RawConn's.
func (s rawSocket) Read(f func(fd uintptr) bool) error {
	raw, err := s.try(f)
	if raw != nil {
		err = raw.Read(f)
	}
	return s.failed("raw-read", err)
}

// Write is syscall.RawConn's.
func (s rawSocket) Write(f func(fd uintptr) bool) error {
	raw, err := s.try(f)
	if raw != nil {
		err = raw.Write(f)
	}
	return s.failed("raw-write", err)
}

// Control is syscall.RawConn's.
func (s rawSocket) Control(f func(fd uintptr)) error {
	raw, err := s.try(func(fd uintptr) bool {
		f(fd)
		return true
	})
	if raw != nil {
		err = raw.Control(f)
	}
	return s.failed("raw-control", err)
}

// try calls f until it returns true. Where that has to wait, or where others have waited
// before, it returns the poller's connection instead.
func (s *socket) try(f func(fd uintptr) bool) (syscall.RawConn, error) {
	raw, done, err := s.once(f, false)
	if raw != nil || done || err != nil {
		return raw, err
	}
	runtime.Gosched() // the other side may be just about to act
	raw, _, err = s.once(f, true)
	return raw, err
}

// once calls f, unless the socket has joined the poller. join: it joins if f returns false.
func (s *socket) once(f func(fd uintptr) bool, join bool) (raw syscall.RawConn, done bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.raw != nil:
		return s.raw, false, nil
	case s.fd < 0:
		return nil, false, net.ErrClosed
	case f(uintptr(s.fd)):
		return nil, true, nil
	case join:
		err = s.join()
	}
	return s.raw, false, err
}

// join joins the poller. mu is held.
func (s *socket) join() error {
	if s.file != nil {
		return nil
	}
	if s.fd < 0 {
		return net.ErrClosed
	}
	s.file = os.NewFile(uintptr(s.fd), "socket")
	s.fd = -1
	raw, err := s.file.SyscallConn()
	if err == nil {
		s.raw = raw
	}
	return err
}

// failed is err as package net has it.
func (s *socket) failed(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, os.ErrDeadlineExceeded):
		err = net.ErrClosed // the poller's connection has another one
	}
	return &net.OpError{Op: op, Net: "unix", Source: s.local, Addr: s.remote, Err: err}
}

// Read is net.Conn's.
func (s *socket) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	var failed error
	err = rawSocket{s}.Read(func(fd uintptr) bool {
		n, failed = nonblock.Read(fd, p)
		return failed != unix.EAGAIN
	})
	switch {
	case err != nil:
		return 0, err
	case failed != nil:
		return n, &net.OpError{Op: "read", Net: "unix", Source: s.local, Addr: s.remote, Err: os.NewSyscallError("read", failed)}
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write is net.Conn's.
func (s *socket) Write(p []byte) (n int, err error) {
	var failed error
	err = rawSocket{s}.Write(func(fd uintptr) bool {
		for n < len(p) {
			var m int
			m, failed = nonblock.Write(fd, p[n:])
			if n += m; failed != nil {
				return failed != unix.EAGAIN
			}
		}
		failed = nil
		return true
	})
	if err == nil && failed != nil {
		err = &net.OpError{Op: "write", Net: "unix", Source: s.local, Addr: s.remote, Err: os.NewSyscallError("write", failed)}
	}
	return n, err
}

// CloseWrite is net.UnixConn's.
func (s *socket) CloseWrite() error {
	return control(rawSocket{s}, func(fd int) error { return os.NewSyscallError("shutdown", unix.Shutdown(fd, unix.SHUT_WR)) })
}

// Close is net.Conn's.
func (s *socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		return s.failed("close", s.file.Close())
	}
	if s.fd < 0 {
		return s.failed("close", net.ErrClosed)
	}
	fd := s.fd
	s.fd = -1
	if _, _, e := syscall.RawSyscall(syscall.SYS_CLOSE, uintptr(fd), 0, 0); e != 0 {
		return os.NewSyscallError("close", e)
	}
	return nil
}

// LocalAddr is net.Conn's.
func (s *socket) LocalAddr() net.Addr { return s.local }

// RemoteAddr is net.Conn's.
func (s *socket) RemoteAddr() net.Addr { return s.remote }

// SetDeadline is net.Conn's.
func (s *socket) SetDeadline(t time.Time) error { return s.deadline(t, (*os.File).SetDeadline) }

// SetReadDeadline is net.Conn's.
func (s *socket) SetReadDeadline(t time.Time) error {
	return s.deadline(t, (*os.File).SetReadDeadline)
}

// SetWriteDeadline is net.Conn's.
func (s *socket) SetWriteDeadline(t time.Time) error {
	return s.deadline(t, (*os.File).SetWriteDeadline)
}

// deadline sets a deadline, which the poller keeps.
func (s *socket) deadline(t time.Time, set func(*os.File, time.Time) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil && s.fd >= 0 && t.IsZero() {
		return nil
	}
	err := s.join()
	if err == nil {
		err = set(s.file, t)
	}
	return s.failed("set", err)
}

// waits has the socket join the poller, so that callbacks may block from now on.
func (s *socket) waits() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.join() // a closed one says so in the next call
}
