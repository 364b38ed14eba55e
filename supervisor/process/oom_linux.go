package process

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// OOMWatch tells the kernel's kills for lack of memory from other SIGKILLs, by the kernel's count for a control group (cgroup
// v2), or else for the machine.
type OOMWatch struct {
	dir          string // of the control group
	shared       bool   // it is our own group, where all workers without a leaf live
	before, last int64
}

// WatchOOM watches the leaf, or, without one, our own control group.
func WatchOOM(leaf *Cgroup) *OOMWatch {
	o := &OOMWatch{}
	if leaf != nil {
		o.dir = leaf.Path
		_, err := os.Stat(filepath.Join(leaf.Path, "memory.events"))
		o.shared = errors.Is(err, fs.ErrNotExist) // nothing is counted there
	}
	if o.shared = o.shared || leaf == nil; o.shared {
		o.dir = ownCgroup()
	}
	n := oomKills(o.dir)
	o.before, o.last = n, n
	return o
}

// Count returns the count for Look.
func (o *OOMWatch) Count() int64 {
	if o.shared {
		return ownKills.count(o.dir)
	}
	return oomKills(o.dir)
}

// Look must be called from time to time: kills that were counted before the last two calls ended other processes.
func (o *OOMWatch) Look(count int64) {
	if count != unknownKills {
		o.before, o.last = o.last, count
	}
}

// ownKills belongs to the program, not to a pool: one look at our own control group serves all workers that ask within half a
// second.
var ownKills recentKills

type recentKills struct {
	mu sync.Mutex
	at time.Time // of n; its zero: never
	n  int64
}

func (k *recentKills) count(dir string) int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := time.Now(); now.Sub(k.at) > time.Second/2 {
		k.at, k.n = now, oomKills(dir)
	}
	return k.n
}

// Happened reports whether this death, by a signal that is not ours, was a kill for lack of memory.
func (o *OOMWatch) Happened(e Exit, ours bool) bool {
	return e.SignalName == "SIGKILL" && !ours && o.before != unknownKills && oomKills(o.dir) > o.before
}

// unknownKills means that the count cannot be read, for lack of descriptors. Nothing is concluded then, and the count of one
// source is never compared with that of another.
const unknownKills = -1

// oomKills counts the kernel's kills in a control group and in those below it, whichever memory was short. Where the group has
// no such count (cgroup v1, the root) it is the count of the machine.
func oomKills(dir string) int64 {
	for _, path := range []string{filepath.Join(dir, "memory.events"), "/proc/vmstat"} {
		n, err := countIn(path, "oom_kill")
		switch {
		case err == nil:
			return n
		case !errors.Is(err, fs.ErrNotExist): // the other file has another count
			return unknownKills
		}
	}
	return unknownKills
}

func ownCgroup() string {
	return cgroupOf("/", "/sys/fs/cgroup")
}

// countIn returns the number after a name in a file of lines "name number". When the name or the file is missing the error is
// fs.ErrNotExist.
func countIn(path, name string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if v, ok := strings.CutPrefix(s.Text(), name+" "); ok {
			v, _, _ = strings.Cut(strings.TrimSpace(v), " ") // a unit may follow
			return strconv.ParseInt(v, 10, 64)
		}
	}
	return 0, fs.ErrNotExist
}

// PSS returns the process's own share of memory, as the kernel counts it, in bytes; 0: unknown. The kernel walks all pages for
// that: some 0.2 ms for 50 MiB.
func PSS(pid int) int64 {
	if pid == 0 {
		return 0
	}
	n, _ := countIn("/proc/"+strconv.Itoa(pid)+"/smaps_rollup", "Pss:")
	return n << 10
}

// RSS returns the resident size in bytes; 0: unknown.
func (p *process) RSS() int64 { return residentSize(p.Pid()) }

// userHZ is the unit of processor times in /proc: a hundredth of a second on all systems that Go runs on.
const userHZ = 100

// CPU returns the processor time that the process has used in all its threads, without that of its children; 0: unknown.
func CPU(pid int) time.Duration {
	if pid == 0 {
		return 0
	}
	var b [1024]byte
	return cpuTime(readProc(b[:], pid, "stat"))
}

// cpuTime reads it from /proc/PID/stat (proc_pid_stat(5)). The name of the process, in parentheses, may have any bytes.
func cpuTime(stat string) time.Duration {
	i := strings.LastIndexByte(stat, ')')
	if i < 0 {
		return 0
	}
	fields := strings.Fields(stat[i+1:]) // the first one is the third of the line
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * (time.Second / userHZ)
}

// residentSize is called for every worker every second.
func residentSize(pid int) int64 {
	var b [128]byte // seven numbers
	fields := strings.Fields(readProc(b[:], pid, "statm"))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// readProc returns the begin of a file of the process; empty: there is none. It does not use os.ReadFile, which would ask the
// poller in vain.
func readProc(b []byte, pid int, name string) string {
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, b)
	if err != nil {
		return ""
	}
	return string(b[:n])
}
