package config

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Machine is what the defaults depend on. 0 means unknown.
type Machine struct {
	CPUs      int   // that we may use: affinity and cgroup limits count
	Memory    int64 // bytes that we may use
	Limited   bool  // Memory is a cgroup's limit, not the machine's size
	OpenFiles int   // the hard limit of open files
	Somaxconn int
	OOMGroup  bool  // short of memory, the kernel kills our whole control group
	OwnRSS    int64 // bytes of this process

	UID, GID   int // of this process
	Groups     []uint32
	Nice       int
	HardLimits map[string]int64 // by the setting's key; none: no limit
}

// workers is the default number for one of so many apps, and why.
func (m *Machine) workers(apps int) (int, schema.Source) {
	n := min(max(fewWorkers, m.CPUs), manyWorkers)
	why := plural(m.CPUs, "cpu")
	lowered := false
	if m.Memory > 0 {
		if fit := int(min(m.Memory/memoryPerWorker, 1<<20)) / max(apps, 1); fit < n {
			n, lowered = max(fit, 1), true
		}
	}
	switch {
	case m.Limited:
		why += ", limit " + roughSize(m.Memory)
	case lowered:
		why += ", memory " + roughSize(m.Memory)
	}
	if lowered && apps > 1 {
		why += ", " + plural(apps, "app")
	}
	return n, derived(why)
}

// PartOf is memory divided by of, at most most, where that is not 0. memory 0 is not known.
func PartOf(memory, of, most int64) int64 {
	switch {
	case memory <= 0:
		return most
	case most == 0:
		return memory / of
	}
	return min(memory/of, most)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// roughSize is a size for people: one decimal at most.
func roughSize(n int64) string {
	f, unit := float64(n)/(1<<20), "MiB"
	if f >= 1000 {
		f, unit = f/1024, "GiB"
	}
	return strings.TrimSuffix(strconv.FormatFloat(f, 'f', 1, 64), ".0") + unit
}

// cgroup is this process's limits as the kernel shows them below a root: "/", or a made-up tree in tests.
type cgroup struct{ root fs.FS }

// limits are the cgroup's: cpus (0: none; rounded up) and bytes of memory (0: none). Both generations are read; of a
// group and its parents the smallest limit counts.
func (c cgroup) limits() (cpus int, memory int64) {
	text, err := fs.ReadFile(c.root, "proc/self/cgroup")
	if err != nil {
		return 0, 0
	}
	quota := 0.0
	for _, line := range strings.Split(string(text), "\n") {
		f := strings.SplitN(line, ":", 3)
		if len(f) != 3 {
			continue
		}
		switch {
		case f[0] == "0" && f[1] == "": // version 2
			c.up("sys/fs/cgroup", f[2], func(dir string) {
				quota = least(quota, c.ratio(c.word(dir+"/cpu.max", 0), c.word(dir+"/cpu.max", 1)))
				memory = least(least(memory, c.bytes(dir+"/memory.max")), c.bytes(dir+"/memory.high"))
			})
		case has(f[1], "cpu"):
			c.up("sys/fs/cgroup/"+f[1], f[2], func(dir string) {
				quota = least(quota, c.ratio(c.word(dir+"/cpu.cfs_quota_us", 0), c.word(dir+"/cpu.cfs_period_us", 0)))
			})
			c.up("sys/fs/cgroup/cpu", f[2], func(dir string) {
				quota = least(quota, c.ratio(c.word(dir+"/cpu.cfs_quota_us", 0), c.word(dir+"/cpu.cfs_period_us", 0)))
			})
		case has(f[1], "memory"):
			c.up("sys/fs/cgroup/memory", f[2], func(dir string) {
				// The second also counts groups above those that a container sees.
				memory = least(least(memory, c.bytes(dir+"/memory.limit_in_bytes")), c.field(dir+"/memory.stat", "hierarchical_memory_limit"))
			})
		}
	}
	if quota > 0 {
		cpus = int(quota)
		if float64(cpus) < quota {
			cpus++
		}
	}
	return cpus, memory
}

func has(list, name string) bool {
	for _, f := range strings.Split(list, ",") {
		if f == name {
			return true
		}
	}
	return false
}

// up visits a group's folder and its parents. In a container the path may be the host's and the folder missing: then only
// the mount's own top is found, which is the container's group.
func (c cgroup) up(mount, group string, visit func(dir string)) {
	for p := path.Clean("/" + group); ; p = path.Dir(p) {
		visit(strings.TrimSuffix(mount+p, "/"))
		if p == "/" {
			return
		}
	}
}

// word is the n-th word of a small file; empty: there is none.
func (c cgroup) word(name string, n int) string {
	text, err := fs.ReadFile(c.root, name)
	if err != nil {
		return ""
	}
	if f := strings.Fields(string(text)); n < len(f) {
		return f[n]
	}
	return ""
}

// ratio is quota / period; 0: no limit ("max", -1, or no file).
func (c cgroup) ratio(quota, period string) float64 {
	q, err := strconv.ParseFloat(quota, 64)
	p, perr := strconv.ParseFloat(period, 64)
	if err != nil || perr != nil || q <= 0 || p <= 0 {
		return 0
	}
	return q / p
}

func (c cgroup) bytes(name string) int64 {
	return limitOf(c.word(name, 0))
}

func limitOf(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	// Version 1 writes "no limit" as a number near 2^63.
	if err != nil || n <= 0 || n > 1<<60 {
		return 0
	}
	return n
}

// field is the number behind a name in a file of "name number" lines; 0: none.
func (c cgroup) field(file, name string) int64 {
	text, err := fs.ReadFile(c.root, file)
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(text), "\n") {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			return limitOf(v)
		}
	}
	return 0
}

// oomGroup: memory.oom.group is set for our group (version 2) or one above.
func (c cgroup) oomGroup() (set bool) {
	text, _ := fs.ReadFile(c.root, "proc/self/cgroup")
	for _, line := range strings.Split(string(text), "\n") {
		if group, ok := strings.CutPrefix(line, "0::"); ok {
			c.up("sys/fs/cgroup", group, func(dir string) { set = set || c.word(dir+"/memory.oom.group", 0) == "1" })
		}
	}
	return set
}

// memTotal is the machine's memory in bytes.
func (c cgroup) memTotal() int64 {
	text, err := fs.ReadFile(c.root, "proc/meminfo")
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kib << 10
		}
	}
	return 0
}

// least is the smaller limit; 0 is none.
func least[T int64 | float64](a, b T) T {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// measureAt is Measure with the files under root.
func measureAt(root fs.FS, cpus int) Machine {
	c := cgroup{root}
	m := Machine{CPUs: cpus, Memory: c.memTotal()}
	limit, memory := c.limits()
	m.OOMGroup = c.oomGroup()
	if limit > 0 {
		m.CPUs = min(m.CPUs, limit)
	}
	if memory > 0 && (m.Memory == 0 || memory < m.Memory) {
		m.Memory, m.Limited = memory, true
	}
	m.Somaxconn, _ = strconv.Atoi(c.word("proc/sys/net/core/somaxconn", 0))
	return m
}
