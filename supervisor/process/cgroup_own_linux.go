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

// A worker has a control group of its own wherever one can be had, without limits too: a
// process that calls setsid leaves the worker's process group, and stays in that.

const (
	branchTries = 5                      // another server may remove the app's group while it is empty
	branchEnd   = 500 * time.Millisecond // what was killed may take to leave its group
)

// AtHand returns the control group (cgroup v2) below which this process may make groups
// without limits, while it stays where it is: that needs no controller. Empty: there is
// none. For root it is one that systemd has delegated (Delegate=yes), or the top of what
// can be seen, as in a container: root could write to any. To others it is given by being
// theirs.
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
			return "" // ours is of threads
		}
		return dir
	}
	return ""
}

// delegated: systemd has marked the group as ours to divide.
func delegated(dir string) bool {
	var value [8]byte
	for _, name := range []string{"trusted.delegate", "user.delegate"} {
		if n, err := unix.Getxattr(dir, name, value[:]); err == nil && string(value[:n]) == "1" {
			return true
		}
	}
	return false
}

// take moves a process into its group below the leaf. One that has ended needs none.
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

// move makes the group, and writes to it who is to live in it; "0": this process.
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

// groups are the group and those that the app has made below it, these first.
func (b branch) groups() []string {
	var list []string
	_ = filepath.WalkDir(string(b), func(path string, e fs.DirEntry, err error) error { // what cannot be read has gone
		if err == nil && e.IsDir() {
			list = append(list, path)
		}
		return nil
	})
	slices.Reverse(list)
	return list
}

// pids returns the processes that live in it.
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

// others names what lives in it beside a process.
func (b branch) others(leader int) string { return strings.Join(named(b.pids(), leader), ", ") }

// kill sends SIGKILL to all that lives in it. The kernel does it in one (Linux 5.14);
// before that, what is frozen forks no more, and can be killed.
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
		time.Sleep(time.Millisecond) // what it has forked meanwhile comes next
	}
}

// end kills what still lives in it, and removes it.
func (b branch) end() {
	if b == "" {
		return
	}
	b.kill()
	for end := time.Now().Add(branchEnd); !b.prune() && time.Now().Before(end); {
		time.Sleep(time.Millisecond) // nothing tells of a group's end
	}
}

// prune removes the group and those below it, as far as nobody lives in them; false: it is
// still there.
func (b branch) prune() bool {
	err := error(nil)
	for _, dir := range b.groups() {
		err = syscall.Rmdir(dir)
	}
	return err == nil || errors.Is(err, fs.ErrNotExist)
}
