//go:build unix

package nonblock

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// Reader reads a pipe or a socket. One goroutine reads at a time.
type Reader struct {
	raw  syscall.RawConn
	read func(fd uintptr) bool
	p    []byte
	n    int
	err  error
}

// NewReader returns a Reader of r, or r itself if it is not a descriptor that does not
// block.
func NewReader(r io.Reader) io.Reader {
	sc, ok := r.(syscall.Conn)
	if !ok {
		return r
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return r
	}
	fits := false
	err = raw.Control(func(fd uintptr) {
		flags, _, e := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFL, 0)
		fits = e == 0 && flags&syscall.O_NONBLOCK != 0
	})
	if err != nil || !fits {
		return r
	}
	in := &Reader{raw: raw}
	in.read = in.try
	return in
}

// try reads what is there; false: nothing is.
func (r *Reader) try(fd uintptr) bool {
	r.n, r.err = Read(fd, r.p)
	return r.err != syscall.EAGAIN
}

// Read is io.Reader's.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	r.p = p
	err := r.raw.Read(r.read)
	n := r.n
	switch {
	case err != nil:
		if n = 0; !errors.Is(err, os.ErrDeadlineExceeded) {
			err = fmt.Errorf("read: %w", os.ErrClosed) // syscall.RawConn has an error of its own
		}
	case r.err != nil:
		err = os.NewSyscallError("read", r.err)
	case n == 0:
		err = io.EOF
	}
	r.p, r.n, r.err = nil, 0, nil
	return n, err
}
