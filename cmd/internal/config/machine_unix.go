//go:build unix

package config

import (
	"math"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Measure looks at this machine and at the limits of our cgroup.
func Measure() Machine {
	m := measureAt(os.DirFS("/"), runtime.NumCPU())
	var r unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &r) == nil {
		m.OpenFiles = int(min(uint64(r.Max), math.MaxInt32))
	}
	return m
}
