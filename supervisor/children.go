package supervisor

import "sync"

// children are the processes that this room has started or has had forked, and
// that it waits for itself, by process number.
//
// Who makes a process holds starting for reading from before there is one until it
// is in the table. Who looks for strangers among our children (orphans that came
// to us) has it for writing, by TryLock: a template that hangs must not stop other
// starts. What is not in the table then is a stranger.
type childTable struct {
	starting sync.RWMutex

	mu   sync.Mutex
	pids map[int]int // how often: a number may be given again before its last owner has left the table
}

var children = childTable{pids: map[int]int{}}

// add enters a process.
func (c *childTable) add(pid int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pids[pid]++
}

// addNew enters a process that is not there; false: it is.
func (c *childTable) addNew(pid int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pids[pid] > 0 {
		return false
	}
	c.pids[pid] = 1
	return true
}

// remove is called when the process has been reaped, by who waited for it.
func (c *childTable) remove(pid int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pids[pid]--; c.pids[pid] <= 0 {
		delete(c.pids, pid)
	}
}
