package debugger

import (
	"bytes"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// controlling is the terminal of the session under the name that each process can open.
const controlling = "/dev/tty"

// nameOf is the path of the terminal behind a descriptor. In a container the link may name a device of the machine.
func nameOf(fd int) string {
	name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return controlling
	}
	var is, named unix.Stat_t
	if unix.Fstat(fd, &is) != nil || unix.Stat(name, &named) != nil || named.Mode&unix.S_IFMT != unix.S_IFCHR || is.Rdev != named.Rdev || is.Ino != named.Ino {
		return controlling
	}
	return name
}

// blockTTOU blocks SIGTTOU in the calling thread; unblock ends that.
func blockTTOU() (unblock func()) {
	var set, old unix.Sigset_t
	set.Val[0] = 1 << (unix.SIGTTOU - 1)
	if unix.PthreadSigmask(unix.SIG_BLOCK, &set, &old) != nil {
		return func() {}
	}
	return func() { _ = unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil) }
}

// stopped reports whether a signal of the terminal has stopped the process.
func (t *tty) stopped(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // pid (comm) state ...; comm may hold anything
	behind := bytes.LastIndexByte(stat, ')')
	return err == nil && behind >= 0 && len(stat) > behind+2 && stat[behind+2] == 'T'
}
