package process

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree makes files below a new folder: a made-up control group hierarchy, in which the
// kernel's part, making the files, is done beforehand.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestDelegate(t *testing.T) {
	root := tree(t, map[string]string{
		"proc/self/cgroup":                             "1:name=systemd:/\n0::/system/shop.service\n",
		"m/cgroup.controllers":                         "cpu memory pids\n",
		"m/system/shop.service/cgroup.controllers":     "cpu memory pids\n",
		"m/system/shop.service/cgroup.subtree_control": "pids\n",
		"m/system/shop.service/cgroup.procs":           "",
		"m/system/shop.service/standpipe/cgroup.procs": "",
		"m/system/shop.service/app-shop/cgroup.procs":  "",
		"m/system/shop.service/app-shop/memory.max":    "max",
		"m/system/shop.service/app-shop/cpu.max":       "max 100000",
		"m/system/shop.service/app-shop/pids.max":      "max",
	})
	base, err := delegate(root, root+"/m", []string{"memory", "pids"}, nil)
	if err != nil || base != root+"/m/system/shop.service" {
		t.Fatalf("%q %v", base, err)
	}
	if got := read(t, base+"/standpipe/cgroup.procs"); got != "0" {
		t.Errorf("we moved by %q", got)
	}
	if got := read(t, base+"/cgroup.subtree_control"); got != "+memory" {
		t.Errorf("switched on: %q", got)
	}
	leaf := Cgroup{Path: base + "/app-shop", MemoryMax: 64 << 20, CPUMax: 150}
	if err := leaf.enter(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"memory.max": "67108864", "cpu.max": "150000 100000", "pids.max": "max", "cgroup.procs": "0"} {
		if got := read(t, leaf.Path+"/"+name); got != want {
			t.Errorf("%s: %q, not %q", name, got, want)
		}
	}
	// From within the leaf, as after an upgrade: the same place.
	if err := os.WriteFile(root+"/proc/self/cgroup", []byte("0::/system/shop.service/standpipe\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if again, err := delegate(root, root+"/m", []string{"memory"}, nil); err != nil || again != base {
		t.Errorf("%q %v", again, err)
	}
	if _, err := delegate(root, root+"/m", []string{"hugetlb"}, nil); err == nil || !strings.Contains(err.Error(), "hugetlb") {
		t.Errorf("%v", err)
	}
	if _, err := delegate(root, root+"/nowhere", []string{"memory"}, nil); err == nil {
		t.Errorf("%v", err)
	}
	if err := os.Remove(base + "/cgroup.subtree_control"); err != nil {
		t.Fatal(err)
	}
	if _, err := delegate(root, root+"/m", []string{"memory"}, nil); err == nil {
		t.Errorf("%v", err)
	}
}

// A limit whose file is not there is an error: nothing is accepted and ignored.
func TestCgroupWithoutItsController(t *testing.T) {
	root := tree(t, map[string]string{"leaf/cgroup.procs": ""})
	if err := (&Cgroup{Path: root + "/leaf", PidsMax: 5}).enter(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if got := read(t, root+"/leaf/cgroup.procs"); got != "" {
		t.Errorf("entered all the same: %q", got)
	}
}

func TestOOMIsCountedInTheLeaf(t *testing.T) {
	root := tree(t, map[string]string{"leaf/memory.events": "low 0\noom 3\noom_kill 2\n"})
	leaf := &Cgroup{Path: root + "/leaf"}
	killed := Exit{Code: -1, Signal: 9, SignalName: "SIGKILL"}
	kills := func(n string) {
		if err := os.WriteFile(root+"/leaf/memory.events", []byte("low 0\noom 9\noom_kill "+n+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o := WatchOOM(leaf)
	if o.Happened(killed, false) {
		t.Error("a kill from outside taken for the kernel's")
	}
	kills("3")
	o.Look(o.Count()) // as if it happened just before its death is known
	if !o.Happened(killed, false) {
		t.Error("the kernel's kill taken for one from outside")
	}
	if o.Happened(killed, true) || o.Happened(Exit{Code: 1}, false) {
		t.Error("our own kill, or an exit, taken for the kernel's")
	}
	o.Look(o.Count())
	if o.Happened(killed, false) {
		t.Error("the death of another process, some time ago, taken for its own")
	}
	kills("2")
	if WatchOOM(leaf).Happened(killed, false) {
		t.Error("what was before its start counts")
	}
}

// The kernel's kill inside a real leaf is told apart, and names what ran.
