package process

import (
	"os"

	"golang.org/x/sys/unix"
)

// spareTasks are the processes and threads of the limit of our user (RLIMIT_NPROC) that workers leave to the server: an app that
// forks until it reaches the limit must not keep the server from a thread or a new worker.
const spareTasks = 64

// limitForWorkers is RLIMIT_NPROC for a worker that runs as our user; 0: our own limit. The kernel counts all processes of a
// user, so the difference is left to the server. root has no such limit.
func limitForWorkers() int64 {
	var own unix.Rlimit
	if os.Geteuid() == 0 || unix.Getrlimit(unix.RLIMIT_NPROC, &own) != nil || own.Cur == unix.RLIM_INFINITY {
		return 0
	}
	return max(int64(own.Cur)-min(spareTasks, int64(own.Cur)/4), 1)
}

// spare sets the limit of a process that was just started. A process that has ended already needs none.
func spare(pid int) {
	if n := limitForWorkers(); n > 0 {
		_ = unix.Prlimit(pid, unix.RLIMIT_NPROC, &unix.Rlimit{Cur: uint64(n), Max: uint64(n)}, nil)
	}
}
