package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ownLeaf is the leaf that this process moves into: a group that has leaves must not
// hold processes itself (the "no internal processes" rule of cgroup v2).
const ownLeaf = "standpipe"

// cgroupOf is the control group of this process (cgroup v2) beneath mount. In a
// container the path may be the host's: then the mount's top is the container's group.
func cgroupOf(root, mount string) string {
	b, _ := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	for line := range strings.SplitSeq(string(b), "\n") {
		if path, ok := strings.CutPrefix(line, "0::"); ok {
			dir := filepath.Join(mount, path)
			if _, err := os.Stat(dir); err == nil {
				return dir
			}
		}
	}
	return mount
}

// Delegate prepares the control group of this process for leaves and returns its folder: it moves this process into the leaf
// "standpipe" and switches the controllers ("memory", "cpu", "pids") on. owner may make leaves from then on; nil: this process.
// The error says why that is impossible: the group is not delegated to this process (Delegate=yes of systemd does it), or other
// processes live in the group.
func Delegate(controllers []string, owner *Identity) (string, error) {
	return delegate("/", "/sys/fs/cgroup", controllers, owner)
}

func delegate(root, mount string, controllers []string, owner *Identity) (string, error) {
	if _, err := os.Stat(filepath.Join(mount, "cgroup.controllers")); err != nil {
		return "", fmt.Errorf("there is no cgroup v2 at %s", mount)
	}
	dir := cgroupOf(root, mount)
	if filepath.Base(dir) == ownLeaf && writable(filepath.Join(filepath.Dir(dir), "cgroup.subtree_control")) {
		dir = filepath.Dir(dir) // this process was started there by an earlier standpipe, which it replaces
	}
	switchboard := filepath.Join(dir, "cgroup.subtree_control")
	if !writable(switchboard) {
		return "", fmt.Errorf("the control group %s is not delegated to us (systemd: Delegate=yes; a container: a writable /sys/fs/cgroup)", dir)
	}
	have := words(filepath.Join(dir, "cgroup.controllers"))
	on := words(switchboard)
	var missing []string
	for _, c := range controllers {
		switch {
		case slices.Contains(on, c):
		case !slices.Contains(have, c):
			return "", fmt.Errorf("the control group %s has no controller %s", dir, c)
		default:
			missing = append(missing, "+"+c)
		}
	}
	leaf := filepath.Join(dir, ownLeaf)
	if err := mkdir(leaf); err != nil {
		return "", err
	}
	if err := put(filepath.Join(leaf, "cgroup.procs"), "0"); err != nil {
		return "", err
	}
	if len(missing) > 0 {
		if err := put(switchboard, strings.Join(missing, " ")); err != nil {
			return "", fmt.Errorf("%w; are there other processes in %s?", err, dir)
		}
	}
	if owner != nil {
		for _, name := range []string{"", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads", ownLeaf, ownLeaf + "/cgroup.procs"} {
			if err := os.Chown(filepath.Join(dir, name), int(owner.UID), int(owner.GID)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return "", err
			}
		}
	}
	return dir, nil
}

// enter makes the leaf, sets its limits, and moves this process into a control group of its own below it.
func (c *Cgroup) enter() error {
	if err := mkdir(c.Path); err != nil {
		return err
	}
	limit := func(n int64) string {
		if n == 0 {
			return "max"
		}
		return strconv.FormatInt(n, 10)
	}
	const period = 100000 // microseconds, the kernel's own
	cpu := "max " + strconv.Itoa(period)
	if c.CPUMax > 0 {
		cpu = fmt.Sprintf("%d %d", c.CPUMax*period/100, period)
	}
	for _, f := range []struct {
		name, value string
		set         bool
	}{
		{"memory.max", limit(c.MemoryMax), c.MemoryMax > 0},
		{"cpu.max", cpu, c.CPUMax > 0},
		{"pids.max", limit(c.PidsMax), c.PidsMax > 0},
	} {
		path := filepath.Join(c.Path, f.name)
		if !f.set && !writable(path) {
			continue // the controller is off
		}
		if err := put(path, f.value); err != nil {
			return err
		}
	}
	return c.move("0")
}

// Remove removes the leaf. It stays while a process lives in it.
func (c *Cgroup) Remove() { branch(c.Path).prune() }

func mkdir(path string) error {
	err := os.Mkdir(path, 0o755)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}

// put writes to a file of the kernel; it does not create one.
func put(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

func writable(path string) bool {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

func words(path string) []string {
	b, _ := os.ReadFile(path)
	return strings.Fields(string(b))
}
