//go:build unix && !linux

package process

import (
	"runtime"
	"syscall"
)

// awaitExit: waitid(WNOWAIT) is not to be had, so the process is reaped first.
func awaitExit(int) bool { return false }

func maxRSS(ru *syscall.Rusage) int64 {
	if runtime.GOOS == "darwin" {
		return ru.Maxrss // octets
	}
	return ru.Maxrss << 10
}
