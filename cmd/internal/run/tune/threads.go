package tune

import (
	"runtime"
	"sync"

	"github.com/standpipe/standpipe/bridge/spool"
)

// Go's run-time ends the process when it cannot create a thread, and it creates one
// whenever all others wait in the kernel. An app can use up the tasks that a user or a
// control group may have, and that would end the server. So the server creates its
// threads before any app runs, and keeps them: the run-time never ends an idle thread.

// spareThreads are for signals, logs, and starting processes.
const spareThreads = 12

// threadsNeeded is how many threads the server may need: one for each P, those that wait
// for a disk, and a few. A worker needs none: its pipes and its exit are polled.
func threadsNeeded() int { return runtime.GOMAXPROCS(0) + spool.DiskThreads + spareThreads }

// reserveThreads makes the run-time create n threads, but at most half of the tasks that
// are left.
func reserveThreads(n int) {
	if left, limited := tasksLeft(); limited {
		n = min(n, left/2)
	}
	var started, ended sync.WaitGroup
	release := make(chan struct{})
	for range n {
		started.Add(1)
		ended.Go(func() { // ends with this function
			runtime.LockOSThread() // while it waits, others need another thread
			defer runtime.UnlockOSThread()
			started.Done()
			<-release
		})
	}
	started.Wait()
	close(release)
	ended.Wait()
}
