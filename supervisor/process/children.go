package process

import "sync"

// children is the table of the processes that somebody in this program waits for.
// It is the process's, not a pool's: a parent has one set of children.
var children = &childTable{pids: map[int]int{}}

type childTable struct {
	starting sync.RWMutex // read: a start is under way; write: the reaper Looks
	mu       sync.Mutex
	pids     map[int]int
}

// Track runs start, which makes one process that the caller waits for, and enters its
// pid, so that the reaper of strangers leaves it alone; no stranger is reaped
// meanwhile. Untrack is due when it has been waited for. start's error comes back.
func Track(start func() (pid int, err error)) error {
	children.starting.RLock()
	defer children.starting.RUnlock()
	pid, err := start()
	if err != nil {
		return err
	}
	children.mu.Lock()
	defer children.mu.Unlock()
	children.pids[pid]++
	return nil
}

// Untrack forgets a process that has been waited for.
func Untrack(pid int) {
	children.mu.Lock()
	defer children.mu.Unlock()
	// The number may have been given to a new child of ours between wait and here.
	if children.pids[pid]--; children.pids[pid] <= 0 {
		delete(children.pids, pid)
	}
}

func (k *childTable) has(pid int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.pids[pid] > 0
}
