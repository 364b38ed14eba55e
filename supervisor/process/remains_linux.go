package process

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	leftSoon  = 100 * time.Millisecond // how long the helpers of multiprocessing take to notice that their worker is gone
	leftGrace = 2 * time.Second        // between SIGTERM and SIGKILL for the processes that a worker left
	leftMost  = 16                     // processes that are named
)

// endGroup ends the processes that a worker left behind in its process group and in its control group, and returns their names
// and numbers. The worker has ended and is not reaped. They get SIGTERM first when the worker exited by itself, and SIGKILL at
// once when a signal ended it.
func endGroup(leader int, b branch) (left string) {
	r := remains{leader, b}
	defer r.signal(unix.SIGKILL)
	members := r.members()
	if len(members) == 0 {
		return ""
	}
	if !hasExited(leader) {
		return strings.Join(members, ", ")
	}
	if members = r.await(leftSoon); len(members) == 0 {
		return ""
	}
	r.signal(unix.SIGTERM)
	r.await(leftGrace)
	return strings.Join(members, ", ")
}

// remains are the processes that a worker left behind.
type remains struct {
	leader int // of the process group
	branch branch
}

// await waits until no process is left, at most for limit, and returns those that are left.
func (r remains) await(limit time.Duration) []string {
	for end := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) { // the kernel does not report the end of a group
		members := r.members()
		if len(members) == 0 || time.Now().After(end) {
			return members
		}
	}
}

func (r remains) signal(s unix.Signal) {
	_ = unix.Kill(-r.leader, s)
	if s == unix.SIGKILL {
		r.branch.kill()
		return
	}
	for _, pid := range r.branch.pids() {
		if group, err := unix.Getpgid(pid); err == nil && group != r.leader { // those in the process group have it
			_ = unix.Kill(pid, s)
		}
	}
}

// members names the live processes other than the leader, "ffmpeg 4711"; at most leftMost.
func (r remains) members() []string {
	pids := append(groupMembers(r.leader), r.branch.pids()...)
	slices.Sort(pids)
	return named(slices.Compact(pids), r.leader)
}

// named returns the names of the live processes, at most leftMost.
func named(pids []int, leader int) []string {
	var list []string
	for _, pid := range pids {
		if pid == leader {
			continue
		}
		if comm, ok := liveName(pid); ok {
			if list = append(list, fmt.Sprintf("%s %d", comm, pid)); len(list) == leftMost {
				break
			}
		}
	}
	slices.Sort(list)
	return list
}

// hasExited reports whether the process ended by exit, not by a signal.
func hasExited(pid int) bool {
	var info childInfo
	err := unix.Waitid(unix.P_PID, pid, (*unix.Siginfo)(unsafe.Pointer(&info)), unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
	return err == nil && info.code == cldExited
}

const cldExited = 1 // CLD_EXITED of waitid(2)

// groupMembers returns the processes of a group other than its leader.
func groupMembers(leader int) []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var members []int
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == leader {
			continue
		}
		if group, err := unix.Getpgid(pid); err == nil && group == leader {
			members = append(members, pid)
		}
	}
	return members
}

// liveName returns the name of the process; false: it has ended and was not reaped.
func liveName(pid int) (string, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // pid (comm) state ...; comm may hold anything
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if err != nil || open < 0 || end < open || len(b) < end+3 {
		return "", false
	}
	return strings.ToValidUTF8(string(b[open+1:end]), "?"), b[end+2] != 'Z' && b[end+2] != 'X'
}
