package process

import (
	"syscall"

	"golang.org/x/sys/unix"
)

const rlimitNproc = unix.RLIMIT_NPROC

func noNewPrivs() error { return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }

// The real, effective and saved ids of every thread.
func setgid(id int) error { return syscall.Setresgid(id, id, id) }
func setuid(id int) error { return syscall.Setresuid(id, id, id) }
