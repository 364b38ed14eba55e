package supervisor

import "sync"

// family is the table of the processes that somebody in this program waits for.
// It is the process's, not a pool's: a parent has one set of children.
var family = &kin{pids: map[int]int{}}

type kin struct {
	starting sync.RWMutex // read: a start is under way; write: the reaper looks
	mu       sync.Mutex
	pids     map[int]int
}

// Own runs start, which makes one process that the caller waits for, and enters its
// pid, so that the reaper of strangers leaves it alone; no stranger is reaped
// meanwhile. Disown is due when it has been waited for. start's error comes back.
func Own(start func() (pid int, err error)) error {
	family.starting.RLock()
	defer family.starting.RUnlock()
	pid, err := start()
	if err != nil {
		return err
	}
	family.mu.Lock()
	defer family.mu.Unlock()
	family.pids[pid]++
	return nil
}

// Disown forgets a process that has been waited for.
func Disown(pid int) {
	family.mu.Lock()
	defer family.mu.Unlock()
	// The number may have been given to a new child of ours between wait and here.
	if family.pids[pid]--; family.pids[pid] <= 0 {
		delete(family.pids, pid)
	}
}

func (k *kin) has(pid int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.pids[pid] > 0
}
