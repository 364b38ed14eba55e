package supervisor

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// oomWatch tells the kernel's kills for lack of memory from other SIGKILLs, by the
// count that it keeps for our control group (cgroup v2) and for the machine.
type oomWatch struct{ before int64 }

func watchOOM() oomWatch { return oomWatch{oomKills()} }

// happened: this death, by a signal that is not ours, was one of those.
func (o oomWatch) happened(e Exit, ours bool) bool {
	return e.SignalName == "SIGKILL" && !ours && oomKills() > o.before
}

// oomKills counts what the kernel has killed in our control group, those beneath
// it included, and for lack of memory of the whole machine.
func oomKills() int64 {
	return countIn(filepath.Join(ownCgroup(), "memory.events"), "oom_kill") + countIn("/proc/vmstat", "oom_kill")
}

func ownCgroup() string {
	b, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.SplitSeq(string(b), "\n") {
		if path, ok := strings.CutPrefix(line, "0::"); ok {
			return filepath.Join("/sys/fs/cgroup", path)
		}
	}
	return "/sys/fs/cgroup"
}

// countIn returns the number behind a name in a file of lines "name number"; 0 when
// there is none.
func countIn(path, name string) int64 {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if v, ok := strings.CutPrefix(s.Text(), name+" "); ok {
			v, _, _ = strings.Cut(strings.TrimSpace(v), " ") // a unit may follow
			n, _ := strconv.ParseInt(v, 10, 64)
			return n
		}
	}
	return 0
}

// readPSS returns what the kernel counts as the process's own share of memory, in
// octets; 0: unknown. The kernel walks all its pages for that: some 0.2 ms for 50 MiB.
func readPSS(pid int) int64 {
	if pid == 0 {
		return 0
	}
	return countIn("/proc/"+strconv.Itoa(pid)+"/smaps_rollup", "Pss:") << 10
}

// RSS returns the resident size in octets; 0: unknown.
func (p *process) RSS() int64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(p.Pid()) + "/statm")
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
