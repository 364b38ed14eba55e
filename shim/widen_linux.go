package shim

import (
	"syscall"

	"github.com/standpipe/standpipe/shim/wire"
)

const setPipeSize = 1031 // F_SETPIPE_SZ of fcntl(2); package syscall has no name for it

// widen has a pipe hold a whole window. Where the kernel refuses (an unprivileged
// user has 64 MiB of pipes in all) it stays as it is.
func widen(raw syscall.RawConn) {
	_ = raw.Control(func(fd uintptr) { _, _, _ = syscall.Syscall(syscall.SYS_FCNTL, fd, setPipeSize, wire.Window) })
}
