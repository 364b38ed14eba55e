package shim

import (
	"errors"
	"os"
	"syscall"
)

// Of fcntl(2); package syscall has no names for them.
const (
	getSeals  = 1034
	sealSizes = 0x0002 | 0x0004 // F_SEAL_SHRINK, F_SEAL_GROW
)

var errNotShared = errors.New("no memory file of a fixed size")

// mapShared maps a memory file. Its size must be sealed: one that became shorter
// would end this process (SIGBUS) when it touched what is not there any more.
func mapShared(f *os.File, size int) (mem []byte, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	cerr := raw.Control(func(fd uintptr) {
		seals, _, errno := syscall.Syscall(syscall.SYS_FCNTL, fd, getSeals, 0)
		var st syscall.Stat_t
		switch {
		case errno != 0:
			err = errno
		case seals&sealSizes != sealSizes:
			err = errNotShared
		default:
			if err = syscall.Fstat(int(fd), &st); err == nil && st.Size != int64(size) {
				err = errNotShared
			}
		}
		if err == nil {
			mem, err = syscall.Mmap(int(fd), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
		}
	})
	if cerr != nil {
		return nil, cerr
	}
	return mem, err
}

func unmapShared(mem []byte) { _ = syscall.Munmap(mem) }
