//go:build !windows

package errorlog

import (
	"fmt"
	"os"
	"syscall"
)

// ToJournal reports whether f is the stream to journald that JOURNAL_STREAM names
// (systemd.exec(5)), which reads a priority at the start of each line.
func ToJournal(f *os.File) bool {
	stream := os.Getenv("JOURNAL_STREAM")
	if stream == "" {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && fmt.Sprintf("%d:%d", s.Dev, s.Ino) == stream
}
