//go:build unix

package shim

import (
	"io"
	"os"
	"syscall"

	"github.com/standpipe/standpipe/shim/wire"
)

const canPass = true

// receive reads bytes and descriptors, which are close-on-exec. All descriptors
// that came are returned, with an error too.
func receive(raw syscall.RawConn, p []byte) (n int, fds []int, err error) {
	var oob [64]byte // room for some more than is allowed, so that they are seen; what exceeds it the kernel closes
	var oobn, flags int
	werr := raw.Read(func(fd uintptr) bool {
		// No other goroutine may fork between the receipt and close-on-exec, where
		// that is not one step.
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		for {
			n, oobn, flags, _, err = syscall.Recvmsg(int(fd), p, oob[:], cloexec)
			if err != syscall.EINTR {
				break
			}
		}
		if err == syscall.EAGAIN {
			return false
		}
		if err == nil && oobn > 0 {
			fds, err = descriptors(oob[:oobn])
		}
		return true
	})
	switch {
	case werr != nil:
		return 0, nil, werr
	case err != nil:
		if _, ok := err.(syscall.Errno); ok {
			err = os.NewSyscallError("recvmsg", err)
		}
		return max(n, 0), fds, err
	case flags&syscall.MSG_CTRUNC != 0:
		return n, fds, wire.Errorf(nil, "too many descriptors in one message, or no room for them")
	case n == 0:
		return 0, fds, io.EOF
	}
	return n, fds, nil
}

func descriptors(oob []byte) ([]int, error) {
	var all []int
	messages, err := syscall.ParseSocketControlMessage(oob)
	for i := range messages {
		fds, ferr := syscall.ParseUnixRights(&messages[i])
		if ferr != nil {
			err = ferr
		}
		for _, fd := range fds {
			syscall.CloseOnExec(fd)
			all = append(all, fd)
		}
	}
	return all, err
}

// readable reports whether what the worker holds may be read through f. A
// descriptor that only names its file, or only writes it, must not become one that
// reads: this process may be allowed more than the worker.
func readable(f *os.File) bool {
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	ok := false
	_ = raw.Control(func(fd uintptr) {
		flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFL, 0)
		ok = errno == 0 && (flags&syscall.O_ACCMODE == syscall.O_RDONLY || flags&syscall.O_ACCMODE == syscall.O_RDWR) && flags&pathOnly == 0
	})
	return ok
}

// openAgain opens a regular file for reading without waiting: to open one on which
// another process holds a lease takes until that is given up, 45 s by default.
func openAgain(path string) (*os.File, error) {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	_ = syscall.SetNonblock(fd, false) // a regular file's reads know no other way
	return os.NewFile(uintptr(fd), path), nil
}
