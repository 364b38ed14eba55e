//go:build unix

package shim

import (
	"syscall"

	"github.com/standpipe/standpipe/shim/nonblock"
)

const canWriteNow = true

// writeNow writes what the descriptor takes at this moment. A full pipe is no
// error: n is then less than len(p).
func writeNow(raw syscall.RawConn, p []byte) (n int, err error) {
	rawErr := raw.Write(func(fd uintptr) bool {
		for n < len(p) {
			var m int
			m, err = nonblock.Write(fd, p[n:])
			n += m
			if err != nil || m == 0 {
				break
			}
		}
		return true // never wait
	})
	if err == syscall.EAGAIN {
		err = nil
	}
	if err == nil {
		err = rawErr
	}
	return n, err
}
