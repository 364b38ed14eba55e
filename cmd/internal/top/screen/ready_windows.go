package screen

import (
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// ready waits until something is typed, or until wake.
type ready struct {
	in    windows.Handle
	event windows.Handle
}

func newReady(in *os.File) (*ready, error) {
	event, err := windows.CreateEvent(nil, 1, 0, nil)
	return &ready{windows.Handle(in.Fd()), event}, err
}

// wait returns false when the time is up (below 0: there is no limit), and os.ErrClosed after wake.
func (r *ready) wait(patience time.Duration) (typed bool, err error) {
	ms := uint32(windows.INFINITE)
	if patience >= 0 {
		ms = uint32(patience.Milliseconds())
	}
	n, err := windows.WaitForMultipleObjects([]windows.Handle{r.event, r.in}, false, ms)
	switch {
	case n == uint32(windows.WAIT_TIMEOUT):
		return false, nil
	case err != nil:
		return false, err
	case n == windows.WAIT_OBJECT_0:
		return false, os.ErrClosed
	}
	return true, nil
}

func (r *ready) wake() { _ = windows.SetEvent(r.event) }

func (r *ready) close() { _ = windows.CloseHandle(r.event) }
