//go:build linux && !race

package nonblock

import (
	"syscall"
	"unsafe"
)

// Read is syscall.Read. It repeats calls that a signal has interrupted.
func Read(fd uintptr, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		n, _, e := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(&p[0])), uintptr(min(len(p), Most)))
		if e != syscall.EINTR {
			return result(n, e)
		}
	}
}

// Write is syscall.Write, likewise.
func Write(fd uintptr, p []byte) (int, error) {
	if len(p) == 0 || len(p) > Most {
		return writeLong(fd, p)
	}
	for {
		n, _, e := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
		if e != syscall.EINTR {
			return result(n, e)
		}
	}
}

// Writev writes a and b by one call. parts is memory for it, which does not escape.
func Writev(fd uintptr, parts *[2]syscall.Iovec, a, b []byte) (int, error) {
	switch {
	case len(a) == 0:
		return Write(fd, b)
	case len(b) == 0:
		return Write(fd, a)
	}
	parts[0].Base, parts[1].Base = &a[0], &b[0]
	parts[0].SetLen(len(a))
	parts[1].SetLen(len(b))
	for {
		var n uintptr
		var e syscall.Errno
		if len(a)+len(b) <= Most {
			n, _, e = syscall.RawSyscall(syscall.SYS_WRITEV, fd, uintptr(unsafe.Pointer(parts)), 2)
		} else {
			n, _, e = syscall.Syscall(syscall.SYS_WRITEV, fd, uintptr(unsafe.Pointer(parts)), 2)
		}
		if e != syscall.EINTR {
			parts[0].Base, parts[1].Base = nil, nil
			return result(n, e)
		}
	}
}

func result(n uintptr, e syscall.Errno) (int, error) {
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}
