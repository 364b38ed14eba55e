//go:build unix && !linux

package process

import (
	"runtime"
	"syscall"
)

// awaitExit: these systems have no waitid(WNOWAIT), so the process is reaped first.
func awaitExit(int) bool { return false }

// isZombie cannot be known without reaping the child.
func isZombie(int) bool { return false }

func maxRSS(ru *syscall.Rusage) int64 {
	if runtime.GOOS == "darwin" {
		return ru.Maxrss // bytes
	}
	return ru.Maxrss << 10
}
