package debugger

import (
	"bytes"
	"unsafe"

	"golang.org/x/sys/unix"
)

const controlling = "/dev/tty"

// nameOf is the path of the terminal behind a descriptor: /dev/tty cannot be polled.
func nameOf(fd int) string {
	var name [1024]byte // MAXPATHLEN
	if _, _, errno := unix.Syscall(unix.SYS_FCNTL, uintptr(fd), unix.F_GETPATH, uintptr(unsafe.Pointer(&name))); errno != 0 {
		return controlling
	}
	path, _, _ := bytes.Cut(name[:], []byte{0})
	if len(path) == 0 {
		return controlling
	}
	return string(path)
}

// blockTTOU blocks SIGTTOU in the calling thread; unblock ends that.
func blockTTOU() (unblock func()) {
	const block, set = 1, 3 // SIG_BLOCK, SIG_SETMASK
	mask, old := uint32(1)<<(unix.SIGTTOU-1), uint32(0)
	if _, _, errno := unix.RawSyscall(unix.SYS___PTHREAD_SIGMASK, block, uintptr(unsafe.Pointer(&mask)), uintptr(unsafe.Pointer(&old))); errno != 0 {
		return func() {}
	}
	return func() {
		_, _, _ = unix.RawSyscall(unix.SYS___PTHREAD_SIGMASK, set, uintptr(unsafe.Pointer(&old)), 0)
	}
}

// stopped reports whether a signal of the terminal has stopped the process.
func (t *tty) stopped(pid int) bool {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	return err == nil && info.Proc.P_stat == stoppedState
}

const stoppedState = 4 // SSTOP
