package supervisor

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
	leftSoon  = 100 * time.Millisecond // within which helpers of multiprocessing see that their worker is gone
	leftGrace = 2 * time.Second        // between SIGTERM and SIGKILL for what a worker has left
	leftMost  = 16                     // processes that are named
)

// endGroup ends what a worker that has ended, and is not reaped, has left in its process group, and returns it by name and
// number: first by SIGTERM when the worker has exited by itself, and at once when a signal has ended it.
func endGroup(leader int) (left string) {
	defer func() { _ = unix.Kill(-leader, unix.SIGKILL) }()
	members := groupMembers(leader)
	if len(members) == 0 {
		return ""
	}
	if !hasExited(leader) {
		return strings.Join(members, ", ")
	}
	if members = awaitGroup(leader, leftSoon); len(members) == 0 {
		return ""
	}
	_ = unix.Kill(-leader, unix.SIGTERM)
	awaitGroup(leader, leftGrace)
	return strings.Join(members, ", ")
}

// awaitGroup waits until the group is empty, or for so long, and returns who is still there.
func awaitGroup(leader int, limit time.Duration) []string {
	for end := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) { // nothing tells of a group's end
		members := groupMembers(leader)
		if len(members) == 0 || time.Now().After(end) {
			return members
		}
	}
}

// hasExited: it ended by exit, not by a signal.
func hasExited(pid int) bool {
	var info childInfo
	err := unix.Waitid(unix.P_PID, pid, (*unix.Siginfo)(unsafe.Pointer(&info)), unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
	return err == nil && info.code == cldExited
}

const cldExited = 1 // CLD_EXITED of waitid(2)

// groupMembers names the live processes of a group other than its leader, "ffmpeg 4711"; at most leftMost.
func groupMembers(leader int) []string {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var members []string
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == leader {
			continue
		}
		if group, err := unix.Getpgid(pid); err != nil || group != leader {
			continue
		}
		if comm, ok := liveName(pid); ok {
			if members = append(members, fmt.Sprintf("%s %d", comm, pid)); len(members) == leftMost {
				break
			}
		}
	}
	slices.Sort(members)
	return members
}

// liveName returns what the process is called; false: it has ended, and waits for its parent.
func liveName(pid int) (string, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // pid (comm) state ...; comm may hold anything
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if err != nil || open < 0 || end < open || len(b) < end+3 {
		return "", false
	}
	return strings.ToValidUTF8(string(b[open+1:end]), "?"), b[end+2] != 'Z' && b[end+2] != 'X'
}
