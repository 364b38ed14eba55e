package process

import (
	"os"

	"golang.org/x/sys/unix"
)

// spareTasks are the processes and threads of our user's limit (RLIMIT_NPROC) that its
// workers leave to us: an app that forks until it may no more must not keep the server
// from a thread or a new worker.
const spareTasks = 64

// limitForWorkers is RLIMIT_NPROC for a worker that runs as we do; 0: ours will do. The
// kernel counts a user's processes in all, so the difference is what is left to us. root
// has no such limit.
func limitForWorkers() int64 {
	var own unix.Rlimit
	if os.Geteuid() == 0 || unix.Getrlimit(unix.RLIMIT_NPROC, &own) != nil || own.Cur == unix.RLIM_INFINITY {
		return 0
	}
	return max(int64(own.Cur)-min(spareTasks, int64(own.Cur)/4), 1)
}

// spare sets the limit of a process that has just been started. One that has ended
// already needs none.
func spare(pid int) {
	if n := limitForWorkers(); n > 0 {
		_ = unix.Prlimit(pid, unix.RLIMIT_NPROC, &unix.Rlimit{Cur: uint64(n), Max: uint64(n)}, nil)
	}
}
