package tune

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// manyTasks is the highest limit of a user's tasks that counts: to count the tasks, each
// process of the machine is read.
const manyTasks = 4096

// tasksLeft is how many processes and threads may still be created: by the control groups
// (pids.max, of both versions) and by RLIMIT_NPROC. limited: there is a limit.
func tasksLeft() (left int, limited bool) {
	left = math.MaxInt
	text, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.SplitSeq(string(text), "\n") {
		f := strings.SplitN(line, ":", 3)
		if len(f) != 3 {
			continue
		}
		mount := ""
		switch {
		case f[0] == "0" && f[1] == "":
			mount = "/sys/fs/cgroup"
		case f[1] == "pids":
			mount = "/sys/fs/cgroup/pids"
		default:
			continue
		}
		for dir := filepath.Join(mount, f[2]); len(dir) >= len(mount); dir = filepath.Dir(dir) {
			most, err := number(filepath.Join(dir, "pids.max"))
			now, nowErr := number(filepath.Join(dir, "pids.current"))
			if err == nil && nowErr == nil {
				left, limited = min(left, max(most-now, 0)), true
			}
		}
	}
	var nproc unix.Rlimit
	if os.Geteuid() != 0 && unix.Getrlimit(unix.RLIMIT_NPROC, &nproc) == nil && nproc.Cur <= manyTasks {
		left, limited = min(left, max(int(nproc.Cur)-tasksOf(os.Getuid()), 0)), true
	}
	return left, limited
}

func number(path string) (int, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(b))) // "max" is no number, and no limit
}

// tasksOf counts a user's threads.
func tasksOf(uid int) int {
	n := 0
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		dir := filepath.Join("/proc", e.Name(), "task")
		if st, err := os.Stat(dir); err != nil || st.Sys().(*syscall.Stat_t).Uid != uint32(uid) {
			continue
		}
		tasks, _ := os.ReadDir(dir)
		n += len(tasks)
	}
	return n
}
