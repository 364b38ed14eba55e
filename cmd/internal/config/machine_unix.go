//go:build unix

package config

import (
	"math"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// ownRSS is roughly the size of standpipe itself under load, in bytes.
const ownRSS = 64 << 20

// niceOf turns the value of the system call, 40 to 1 on Linux, into -20 to 19.
func niceOf(raw int) int {
	if runtime.GOOS == "linux" {
		return 20 - raw
	}
	return raw
}

// Measure reads the limits of this machine and of our control group.
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

// writable reports whether this process may make files in the folder.
func writable(dir string) bool { return unix.Access(dir, unix.W_OK|unix.X_OK) == nil }
