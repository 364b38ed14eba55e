package supervisor

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// oomWatch tells the kernel's kills for lack of memory from other SIGKILLs, by the
// count that it keeps for a control group (cgroup v2), else for the machine.
type oomWatch struct {
	dir          string // of the control group
	before, last int64
}

// watchOOM watches the leaf, or, without one, our own control group.
func watchOOM(leaf *Cgroup) *oomWatch {
	dir := ownCgroup()
	if leaf != nil {
		dir = leaf.Path
	}
	n := oomKills(dir)
	return &oomWatch{dir, n, n}
}

// look is to be called once in a while: what was counted before the last two calls
// was the death of others.
func (o *oomWatch) look() { o.before, o.last = o.last, oomKills(o.dir) }

// happened: this death, by a signal that is not ours, was one of those.
func (o *oomWatch) happened(e Exit, ours bool) bool {
	return e.SignalName == "SIGKILL" && !ours && oomKills(o.dir) > o.before
}

// oomKills counts what the kernel has killed in a control group, those beneath it
// included, whoever's memory was short. Where the group has no such count (cgroup v1,
// the root), the machine's has to do.
func oomKills(dir string) int64 {
	if n, ok := countIn(filepath.Join(dir, "memory.events"), "oom_kill"); ok {
		return n
	}
	n, _ := countIn("/proc/vmstat", "oom_kill")
	return n
}

func ownCgroup() string {
	return cgroupOf("/", "/sys/fs/cgroup")
}

// countIn returns the number behind a name in a file of lines "name number".
func countIn(path, name string) (n int64, ok bool) {
	f, err := os.Open(path)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if v, ok := strings.CutPrefix(s.Text(), name+" "); ok {
			n, err := strconv.ParseInt(v, 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// RSS returns the resident size in octets; 0: unknown.
func (p *process) RSS() int64 { return residentSize(p.Pid()) }

func residentSize(pid int) int64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
