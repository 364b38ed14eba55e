package listen

import (
	"errors"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/standpipe/standpipe/bridge/spool"
)

// sendPiece is how much sendfile(2) is asked for at a time; a client's buffer takes less.
const sendPiece = 4 << 20

// sendFile sends n bytes of f from its position on, as net.TCPConn.ReadFrom does, but holds
// one of the places that wait for a disk during each call, and none while the client is
// waited for. ok: the kernel can; else nothing has been sent.
func sendFile(c *net.TCPConn, f *os.File, n int64) (sent int64, ok bool, err error) {
	out, err := c.SyscallConn()
	if err != nil {
		return 0, true, err
	}
	in, err := f.SyscallConn()
	if err != nil {
		return 0, true, err
	}
	var failed error
	write := func(src uintptr) {
		err = out.Write(func(dst uintptr) bool {
			for sent < n {
				done := spool.Disk()
				m, e := unix.Sendfile(int(dst), int(src), nil, int(min(n-sent, sendPiece)))
				done()
				if m > 0 {
					sent += int64(m)
				}
				switch {
				case e == unix.EAGAIN:
					return false
				case e == unix.EINTR:
				case e != nil:
					failed = e
					return true
				case m == 0: // its end
					return true
				}
			}
			return true
		})
	}
	if e := in.Control(write); e != nil {
		return sent, true, e
	}
	if sent == 0 && (errors.Is(failed, unix.EINVAL) || errors.Is(failed, unix.ENOSYS) || errors.Is(failed, unix.EOPNOTSUPP) || errors.Is(failed, unix.EPERM)) {
		return 0, false, nil
	}
	if err == nil && failed != nil {
		err = os.NewSyscallError("sendfile", failed)
	}
	return sent, true, err
}
