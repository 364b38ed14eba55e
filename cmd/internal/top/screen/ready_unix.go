//go:build unix

package screen

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ready waits until something is typed, or until wake.
type ready struct {
	in           *os.File
	wakeR, wakeW *os.File
}

func newReady(in *os.File) (*ready, error) {
	r, w, err := os.Pipe()
	return &ready{in, r, w}, err
}

// wait returns false when the time is up (below 0: there is no limit), and os.ErrClosed after wake.
func (r *ready) wait(patience time.Duration) (typed bool, err error) {
	list := []unix.PollFd{{Fd: int32(r.in.Fd()), Events: unix.POLLIN}, {Fd: int32(r.wakeR.Fd()), Events: unix.POLLIN}}
	ms := -1
	if patience >= 0 {
		ms = int(patience.Milliseconds())
	}
	for {
		n, err := unix.Poll(list, ms)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return false, err
		case list[1].Revents != 0:
			return false, os.ErrClosed
		}
		return n > 0, nil
	}
}

func (r *ready) wake() { _, _ = r.wakeW.Write([]byte{0}) }

func (r *ready) close() { r.wakeR.Close(); r.wakeW.Close() }
