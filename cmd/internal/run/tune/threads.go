package main

import (
	"runtime"
	"sync"

	"github.com/standpipe/standpipe/bridge/spool"
)

// Go's runtime ends the process when it cannot make a thread, and makes one whenever all
// others wait in the kernel. Where an app can use up the processes that a user or a
// control group may have, that would end the server. So it makes its threads when it
// starts, before any app runs, and keeps them: the runtime never ends an idle one.

// spareThreads are for signals, logs, and what starts processes.
const spareThreads = 12

// threadsNeeded is how many threads the server may come to need: one for each core, those
// that wait for a disk, and a few. A worker holds none: its pipes and its end are polled.
func threadsNeeded() int { return runtime.NumCPU() + spool.DiskThreads + spareThreads }

// reserveThreads has the runtime make n threads, but no more than half of what may still
// be made: then there is little to keep in reserve.
func reserveThreads(n int) {
	if room, limited := roomForTasks(); limited {
		n = min(n, room/2)
	}
	var there, gone sync.WaitGroup
	all := make(chan struct{})
	for range n {
		there.Add(1)
		gone.Go(func() { // ends with this function
			runtime.LockOSThread() // while it waits, others need another thread
			defer runtime.UnlockOSThread()
			there.Done()
			<-all
		})
	}
	there.Wait()
	close(all)
	gone.Wait()
}
