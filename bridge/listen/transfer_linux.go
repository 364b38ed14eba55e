package listen

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/standpipe/standpipe/bridge/spool"
	"github.com/standpipe/standpipe/shim/nonblock"
)

// transfer is one call of Read, WriteParts or SendFile. Connections use it one after the
// other, so that a call allocates nothing.
type transfer struct {
	take  func(fd uintptr) bool // is read, for syscall.RawConn
	write func(fd uintptr) bool // is writev, likewise
	send  func(fd uintptr) bool // is sendfile, likewise

	pace  *pace
	parts [2][]byte
	iov   [2]syscall.Iovec
	fd    int   // of file
	off   int64 // in file
	left  int64 // of the file
	sent  int64
	call  string // that failed
	err   error
}

var transfers = sync.Pool{New: func() any {
	t := new(transfer)
	t.take, t.write, t.send = t.read, t.writev, t.sendfile
	return t
}}

// free gives t back, and returns how the call ended. op is read or write.
func (t *transfer) free(c *Conn, op string, err error) (int64, error) {
	sent := t.sent
	if err == nil && t.err != nil {
		err = &net.OpError{Op: op, Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError(t.call, t.err)}
	}
	*t = transfer{take: t.take, write: t.write, send: t.send}
	transfers.Put(t)
	return sent, err
}

// moved accounts for n bytes. again: the call is to be repeated; else the socket takes no
// more for now (wait), or there is an error.
func (t *transfer) moved(call string, n int, err error) (again, wait bool) {
	if n > 0 {
		t.sent += int64(n)
		t.pace.wrote(n)
	}
	switch err {
	case nil, unix.EINTR:
		return true, false
	case unix.EAGAIN:
		return false, true
	}
	t.call, t.err = call, err
	return false, false
}

// read reads into the first part.
func (t *transfer) read(fd uintptr) bool {
	n, err := nonblock.Read(fd, t.parts[0])
	t.sent = int64(n)
	if err == unix.EAGAIN {
		return false
	}
	t.call, t.err = "read", err
	return true
}

// skip takes n bytes off the parts.
func (t *transfer) skip(n int) {
	for i := range t.parts {
		m := min(n, len(t.parts[i]))
		t.parts[i] = t.parts[i][m:]
		n -= m
	}
}

// writev writes both parts.
func (t *transfer) writev(fd uintptr) bool {
	for len(t.parts[0])+len(t.parts[1]) > 0 {
		n, err := nonblock.Writev(fd, &t.iov, t.parts[0], t.parts[1])
		if n > 0 {
			t.skip(n)
		}
		if again, wait := t.moved("write", n, err); !again {
			return !wait
		}
	}
	return true
}

// sendfile writes the first part, and the file behind it.
func (t *transfer) sendfile(fd uintptr) bool {
	for len(t.parts[0]) > 0 {
		flags := 0
		if t.left > 0 {
			flags = unix.MSG_MORE
		}
		n, err := unix.SendmsgN(int(fd), t.parts[0], nil, nil, flags)
		if n > 0 {
			t.skip(n)
		}
		if again, wait := t.moved("sendmsg", n, err); !again {
			return !wait
		}
	}
	for t.left > 0 {
		done := spool.Disk()
		n, err := unix.Sendfile(int(fd), t.fd, &t.off, int(min(t.left, sendPiece)))
		done()
		if n > 0 {
			t.left -= int64(n)
		}
		again, wait := t.moved("sendfile", n, err)
		if !again {
			return !wait
		}
		if n == 0 && err == nil { // its end
			return true
		}
	}
	return true
}

func writeParts(c *Conn, head, body []byte) (int64, error) {
	if c.raw == nil {
		return writeBoth(c, head, body)
	}
	t := transfers.Get().(*transfer)
	t.pace, t.parts = &c.pace, [2][]byte{head, body}
	return t.free(c, "write", c.raw.Write(t.write))
}

func read(c *Conn, p []byte) (int, error) {
	if c.raw == nil || len(p) == 0 {
		return c.Conn.Read(p)
	}
	t := transfers.Get().(*transfer)
	t.parts[0] = p
	n, err := t.free(c, "read", c.raw.Read(t.take))
	if n == 0 && err == nil {
		err = io.EOF
	}
	return int(n), err
}

// sendParts is SendFile. ok false: the system cannot send this file; sent are bytes of the
// head.
func sendParts(c *Conn, head []byte, f *os.File, off, n int64) (sent int64, ok bool, err error) {
	if c.raw == nil {
		return 0, false, nil
	}
	if s, ok := c.raw.(rawSocket); ok { // a disk may block
		s.waits()
	}
	t := transfers.Get().(*transfer)
	t.pace, t.parts = &c.pace, [2][]byte{head}
	t.fd, t.off, t.left = int(f.Fd()), off, n
	err = c.raw.Write(t.send)
	runtime.KeepAlive(f)
	if err == nil && t.call == "sendfile" && t.left == n && cannotSend(t.err) {
		t.err = nil
		sent, err = t.free(c, "write", nil)
		return sent, false, err
	}
	sent, err = t.free(c, "write", err)
	return sent, true, err
}

// cannotSend: the file, or its file system, has no sendfile(2).
func cannotSend(err error) bool {
	return errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EPERM)
}

// control calls f with the descriptor.
func control(raw syscall.RawConn, f func(fd int) error) error {
	if raw == nil {
		return syscall.ENOTSOCK
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil {
		return err
	}
	return failed
}
