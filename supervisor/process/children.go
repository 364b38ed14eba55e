package process

import "sync"

// children is the table of the child processes that a goroutine of this program waits for. It belongs to the program, not to a
// pool: a parent has one set of children.
var children = newChildTable()

type childTable struct {
	starting sync.RWMutex  // read: a start is under way; write: the reaper looks
	changed  chan struct{} // capacity 1: a start is over, or a child was reaped

	mu   sync.Mutex
	pids map[int]int
}

func newChildTable() *childTable {
	return &childTable{changed: make(chan struct{}, 1), pids: map[int]int{}}
}

// Track runs start, which makes one process that the caller will wait for, and enters its pid, so that the reaper leaves it
// alone. No orphan is reaped meanwhile. The caller calls Untrack after it has waited for the process. The error is that of
// start.
func Track(start func() (pid int, err error)) error {
	children.begin()
	defer children.begun()
	pid, err := start()
	if err != nil {
		return err
	}
	children.mu.Lock()
	defer children.mu.Unlock()
	children.pids[pid]++
	return nil
}

// Untrack removes a process that was waited for.
func Untrack(pid int) {
	children.mu.Lock()
	// The kernel may have given the number to a new child of ours between the wait and this call.
	if children.pids[pid]--; children.pids[pid] <= 0 {
		delete(children.pids, pid)
	}
	children.mu.Unlock()
	children.tell()
}

// begin keeps the reaper from looking while a child is started, and begun ends that.
func (t *childTable) begin() { t.starting.RLock() }

func (t *childTable) begun() {
	t.starting.RUnlock()
	t.tell()
}

// tell wakes the reaper.
func (t *childTable) tell() {
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

func (t *childTable) has(pid int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pids[pid] > 0
}

// claim enters a process that is not in the table; false: it is in the table already.
func (t *childTable) claim(pid int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pids[pid] > 0 {
		return false
	}
	t.pids[pid] = 1
	return true
}
