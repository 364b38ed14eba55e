//go:build unix

package config

import (
	"math"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// ownRSS is what standpipe itself takes under load, roughly; octets.
const ownRSS = 64 << 20

// niceOf turns what the system call says, 40 to 1 on Linux, into 0 to 19 and -20.
func niceOf(raw int) int {
	if runtime.GOOS == "linux" {
		return 20 - raw
	}
	return raw
}

// Measure looks at this machine and at the limits of our cgroup.
func Measure() Machine {
	m := measureAt(os.DirFS("/"), runtime.NumCPU())
	var r unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &r) == nil {
		m.OpenFiles = int(min(uint64(r.Max), math.MaxInt32))
	}
	m.UID, m.GID = os.Geteuid(), os.Getegid()
	if list, err := os.Getgroups(); err == nil {
		for _, g := range list {
			m.Groups = append(m.Groups, uint32(g))
		}
	}
	if n, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err == nil {
		m.Nice = niceOf(n)
	}
	m.HardLimits = map[string]int64{}
	for key, which := range map[string]int{"limit_as": unix.RLIMIT_AS, "limit_nofile": unix.RLIMIT_NOFILE, "limit_cpu": unix.RLIMIT_CPU} {
		if unix.Getrlimit(which, &r) == nil && uint64(r.Max) < math.MaxInt64 {
			m.HardLimits[key] = int64(r.Max)
		}
	}
	m.OwnRSS = ownRSS
	return m
}
