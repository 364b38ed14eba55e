package process

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// reapTick is how often the reaper looks without being woken: an orphan whose parent ended first may have ended before it
// became a child of this process.
const reapTick = 2 * time.Second

// ReapStrangers waits for the children that this program did not start, while this process is PID 1 or a child subreaper: a
// process that loses its parent becomes its child, and would be a zombie for ever. stop ends it, and returns when it has ended.
func ReapStrangers() (stop func()) {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	quit := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() { // ends by stop
		tick := time.NewTicker(reapTick)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-ended:
			case <-tick.C:
			case <-children.changed: // a child that was not reaped yet hides the orphans behind it
			}
			if inherits() {
				reapStrangers()
			}
		}
	})
	return sync.OnceFunc(func() {
		signal.Stop(ended)
		close(quit)
		done.Wait()
	})
}

// inherits reports whether orphans become children of this process.
func inherits() bool {
	if os.Getpid() == 1 {
		return true
	}
	var yes int32
	err := unix.Prctl(unix.PR_GET_CHILD_SUBREAPER, uintptr(unsafe.Pointer(&yes)), 0, 0, 0)
	return err == nil && yes != 0
}

// reapStrangers reaps the orphans that have ended. A wait for any child would steal the exits that os.Process waits for. So
// it looks at a child that has ended without reaping it (WNOWAIT), and then waits for that one pid if no goroutine of this
// program does. childTable.changed is told when it is worth another look.
func reapStrangers() {
	if !children.starting.TryLock() {
		return // a child of ours may not be in the table yet
	}
	defer children.starting.Unlock()
	for {
		var info childInfo
		err := unix.Waitid(unix.P_ALL, 0, (*unix.Siginfo)(unsafe.Pointer(&info)), unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil, info.pid == 0:
			return // there is no child, or none that has ended
		case children.has(int(info.pid)):
			return // a goroutine waits for it; the orphans behind it cannot be seen until then
		}
		if _, err := unix.Wait4(int(info.pid), nil, unix.WNOHANG, nil); err != nil && err != unix.EINTR {
			return
		}
	}
}

// childInfo is siginfo_t as waitid fills it (waitid(2)): x/sys does not name the fields after the first three. The union begins
// at a multiple of the size of a pointer.
type childInfo struct {
	signo, errno, code int32
	_                  [0]uintptr
	pid                int32
	rest               unix.Siginfo // as large as the whole, and more
}

// becomeSubreaper makes orphans among the descendants of this process its children: so the workers that a template forked by way
// of a process between become our children, and waitpid says how they ended.
func becomeSubreaper() error { return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }
