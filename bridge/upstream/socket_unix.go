//go:build unix

package upstream

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/standpipe/standpipe/shim/nonblock"
)

// socketIO makes the calls of a socket without telling Go's scheduler, as all calls of a request are made (package nonblock). One
// goroutine reads at a time, and one writes.
type socketIO struct {
	raw  syscall.RawConn
	take func(fd uintptr) bool // is tryRead
	give func(fd uintptr) bool // is tryWrite
	look func(fd uintptr)      // is tryLook

	in      []byte
	n       int
	readErr error
	waited  bool // the read did

	out      []byte
	sent     int
	writeErr error
	timed    bool // the write has a deadline

	silent bool
}

func newSocket(nc net.Conn, send time.Duration) (*socket, error) {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &socket{Conn: nc, send: send}
	s.io = socketIO{raw: raw, take: s.tryRead, give: s.tryWrite, look: s.tryLook}
	return s, nil
}

func (s *socket) tryRead(fd uintptr) bool {
	o := &s.io
	if o.n, o.readErr = nonblock.Read(fd, o.in); o.readErr != syscall.EAGAIN {
		return true
	}
	o.waited = true
	s.wait()
	return false
}

func (s *socket) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	o := &s.io
	for {
		o.in, o.n, o.readErr = p, 0, nil
		err := o.raw.Read(o.take)
		o.in = nil
		if err != nil {
			if s.again(err) {
				continue
			}
			return 0, s.failed("read", err)
		}
		if o.waited {
			o.waited = false
			s.awake()
		}
		switch {
		case o.readErr != nil:
			return 0, s.failed("read", os.NewSyscallError("read", o.readErr))
		case o.n == 0:
			return 0, io.EOF
		}
		return o.n, nil
	}
}

func (s *socket) tryWrite(fd uintptr) bool {
	o := &s.io
	for o.sent < len(o.out) {
		n, err := nonblock.Write(fd, o.out[o.sent:])
		o.sent += n
		switch {
		case err == syscall.EAGAIN:
			if s.send > 0 {
				o.timed = true
				s.writeBy(time.Now().Add(s.send))
			}
			return false
		case err != nil:
			o.writeErr = os.NewSyscallError("write", err)
			return true
		}
	}
	return true
}

func (s *socket) Write(p []byte) (int, error) {
	o := &s.io
	o.out, o.sent, o.writeErr = p, 0, nil
	err := o.raw.Write(o.give)
	o.out = nil
	if err == nil {
		err = o.writeErr
	}
	if o.timed {
		o.timed = false
		s.writeBy(time.Time{})
	}
	if err != nil {
		err = s.failed("write", err)
	}
	return o.sent, err
}

// failed is the error as package net has it.
func (s *socket) failed(op string, err error) error {
	if e, ok := err.(*net.OpError); ok { // "raw-read"
		err = e.Err
	}
	return &net.OpError{Op: op, Net: s.LocalAddr().Network(), Source: s.LocalAddr(), Addr: s.RemoteAddr(), Err: err}
}

func (s *socket) tryLook(fd uintptr) { s.io.silent = nonblock.Silent(fd) }

// alive reports whether an idle connection is open and silent: a server that has closed it, or has sent what no request asked
// for, is not asked again.
func (s *socket) alive() bool {
	s.io.silent = false
	return s.io.raw.Control(s.io.look) == nil && s.io.silent
}
