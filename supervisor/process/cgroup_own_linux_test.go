package process

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestAtHand(t *testing.T) {
	group := map[string]string{
		"proc/self/cgroup":                   "1:name=systemd:/\n0::/system/shop.service\n",
		"m/cgroup.controllers":               "",
		"m/cgroup.procs":                     "",
		"m/system/shop.service/cgroup.procs": "",
	}
	root := tree(t, group)
	yes, no := func(string) bool { return true }, func(string) bool { return false }
	for name, c := range map[string]struct {
		mount     string
		isRoot    bool
		delegated func(string) bool
	}{
		"there is no cgroup v2":            {root + "/nowhere", true, yes},
		"root's, but nobody delegated it":  {root + "/m", true, no},
		"no groups can be made (no files)": {root + "/m", false, yes},
	} {
		if dir := atHand(root, []string{c.mount}, c.isRoot, c.delegated); dir != "" {
			t.Errorf("%s: %q", name, dir)
		}
	}
	if left, _ := filepath.Glob(root + "/m/*/*/worker-*"); left != nil {
		t.Errorf("left: %q", left)
	}
}

// On the real kernel, where it can be had: the group is found, a process is put into it and killed with all that it has
// started, and the groups are gone.
func TestRealBranch(t *testing.T) {
	base := AtHand()
	if base == "" {
		t.Skip("SKIP[cgroup]: no control group of version 2 in which groups can be made")
	}
	for _, way := range []string{"cgroup.kill", "by numbers"} {
		t.Run(way, func(t *testing.T) {
			leaf := (&Cgroup{Path: filepath.Join(base, fmt.Sprintf("app-test-%d", os.Getpid()))}).named()
			t.Cleanup(leaf.Remove)
			cmd := exec.Command("sh", "-c", "read x; setsid sleep 600 & setsid sleep 600 & echo; wait")
			in, _ := cmd.StdinPipe()
			out, _ := cmd.StdoutPipe()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if err := leaf.take(cmd.Process.Pid); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(in)
			if _, err := out.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			b := leaf.branch()
			pids := b.pids()
			if len(pids) != 3 || !slices.Contains(pids, cmd.Process.Pid) {
				t.Fatalf("in the group: %v", pids)
			}
			inner := filepath.Join(string(b), "inner") // as an app of root's may do
			if err := os.Mkdir(inner, 0o755); err != nil {
				t.Fatal(err)
			}
			if way == "by numbers" {
				b.killEach()
			} else {
				b.kill()
			}
			_ = cmd.Wait()
			b.end()
			if _, err := os.Stat(string(b)); err == nil {
				t.Error("the group is still there")
			}
			for _, pid := range pids {
				if _, ok := liveName(pid); ok {
					t.Errorf("process %d lives", pid)
				}
			}
		})
	}
}

// A made-up group: its processes are named without the leader and without those that have ended.
func TestBranchNames(t *testing.T) {
	cmd := exec.Command("sleep", "600")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	root := tree(t, map[string]string{
		"b/cgroup.procs":       fmt.Sprintf("%d\n0\n%d\n", os.Getpid(), 1<<22+1),
		"b/inner/cgroup.procs": fmt.Sprintf("%d\n", cmd.Process.Pid),
	})
	b := branch(root + "/b")
	// Start returns a moment before the child has the name of what it runs.
	want := fmt.Sprintf("sleep %d", cmd.Process.Pid)
	eventually(t, want, func() bool { return b.others(os.Getpid()) == want })
	if err := os.WriteFile(b.file("cgroup.procs"), nil, 0o644); err != nil { // not ourselves
		t.Fatal(err)
	}
	left := endGroup(1<<22+1, b) // no such process: nothing says that it has exited, so all is killed at once
	if left != want {
		t.Errorf("%q, not %q", left, want)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("it ended by %v", err)
	}
}
