package process

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Each worker has a control group of its own where that is possible, also without limits: a
// process that calls setsid leaves the process group of its worker, but not this group.

const (
	branchTries = 5                      // another server may remove the app's group while it is empty
	branchEnd   = 500 * time.Millisecond // how long killed processes may take to leave the group
)

// AtHand returns the control group (cgroup v2) below which this process may make groups without limits while it stays where it
// is: that needs no controller. Empty: there is none. root, which could write to any group, gets one that systemd has delegated
// (Delegate=yes), or the top of what can be seen, as in a container. Other users get one that they own.
func AtHand() string {
	return atHand("/", []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}, os.Geteuid() == 0, delegated)
}

func atHand(root string, mounts []string, isRoot bool, delegated func(dir string) bool) string {
	for _, mount := range mounts {
		if _, err := os.Stat(filepath.Join(mount, "cgroup.controllers")); err != nil {
			continue
		}
		dir := cgroupOf(root, mount)
		if isRoot && dir != mount && !delegated(dir) || !writable(filepath.Join(dir, "cgroup.procs")) {
			return ""
		}
		probe := branch(filepath.Join(dir, "worker-"+RandomHex()))
		defer probe.prune()
		if err := os.Mkdir(string(probe), 0o755); err != nil || !writable(probe.file("cgroup.procs")) {
			return ""
		}
		if kind, err := os.ReadFile(probe.file("cgroup.type")); err != nil || strings.TrimSpace(string(kind)) != "domain" {
			return "" // our group is one of threads
		}
		return dir
	}
	return ""
}

// delegated reports whether systemd has marked the group as ours to divide.
func delegated(dir string) bool {
	var value [8]byte
	for _, name := range []string{"trusted.delegate", "user.delegate"} {
		if n, err := unix.Getxattr(dir, name, value[:]); err == nil && string(value[:n]) == "1" {
			return true
		}
	}
	return false
}

// take moves a process into its control group below the leaf. A process that has ended needs none.
func (c *Cgroup) take(pid int) error {
	err := c.move(strconv.Itoa(pid))
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		c.branch().prune()
	}
	return err
}

// move makes the group, and writes to it the process that is to live in it; "0": this process.
func (c *Cgroup) move(who string) (err error) {
	b := c.branch()
	for range branchTries {
		if err = mkdir(c.Path); err == nil {
			if err = mkdir(string(b)); err == nil {
				err = put(b.file("cgroup.procs"), who)
			}
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENODEV) {
			break
		}
	}
	return err
}

func (b branch) file(name string) string { return filepath.Join(string(b), name) }

// groups are the group and those that the app has made below it, the lowest first.
func (b branch) groups() []string {
	var list []string
	_ = filepath.WalkDir(string(b), func(path string, e fs.DirEntry, err error) error { // a folder that cannot be read is gone
		if err == nil && e.IsDir() {
			list = append(list, path)
		}
		return nil
	})
	slices.Reverse(list)
	return list
}

// pids returns the processes in the group.
func (b branch) pids() []int {
	if b == "" {
		return nil
	}
	var list []int
	for _, dir := range b.groups() {
		for _, word := range words(filepath.Join(dir, "cgroup.procs")) {
			if pid, err := strconv.Atoi(word); err == nil && pid > 0 { // 0: one that cannot be seen from here
				list = append(list, pid)
			}
		}
	}
	return list
}

// others names the processes in the group other than the leader.
func (b branch) others(leader int) string { return strings.Join(named(b.pids(), leader), ", ") }

// kill sends SIGKILL to all processes in the group. Linux 5.14 does that in one step; before that, the group is frozen, so that
// its processes cannot fork, and they are killed one by one.
func (b branch) kill() {
	if b != "" && put(b.file("cgroup.kill"), "1") != nil {
		b.killEach()
	}
}

func (b branch) killEach() {
	_ = put(b.file("cgroup.freeze"), "1") // Linux 5.2
	for range 100 {
		alive := false
		for _, pid := range b.pids() {
			if _, ok := liveName(pid); ok {
				alive = unix.Kill(pid, unix.SIGKILL) == nil || alive
			}
		}
		if !alive {
			return
		}
		time.Sleep(time.Millisecond) // the processes that were forked meanwhile are next
	}
}

// end kills the processes in the group, and removes it.
func (b branch) end() {
	if b == "" {
		return
	}
	b.kill()
	for end := time.Now().Add(branchEnd); !b.prune() && time.Now().Before(end); {
		time.Sleep(time.Millisecond) // the kernel does not report the end of a group
	}
}

// prune removes the group and those below it as far as no process lives in them; false: it still exists.
func (b branch) prune() bool {
	err := error(nil)
	for _, dir := range b.groups() {
		err = syscall.Rmdir(dir)
	}
	return err == nil || errors.Is(err, fs.ErrNotExist)
}
