package shim

import (
	"time"

	"github.com/standpipe/standpipe/shim/wire"
)

// The keys of a Request whose body is in a file. The app does not see them.
const (
	varBodyFile = "standpipe.body_file"
	varBodySize = "standpipe.body_size"
)

// fileState is where the body of an exchange is.
type fileState uint8

const (
	fileNone    fileState = iota // in frames
	fileSent                     // in a file that the worker was told of
	fileRefused                  // the worker cannot open it and wants frames
)

// upload is what the worker may be sent of a request body. It waits for nothing and
// sends nothing.
type upload struct {
	credit  int // bytes that may be sent
	file    fileState
	moved   time.Time // when bytes went last, or a wait to send some began
	starved bool      // the worker has all that came, and more is to come
}

// step enters a frame of the worker's. Errors are *wire.ProtocolError.
func (u *upload) step(f wire.Frame) error {
	if f.Kind == wire.KindBodyWanted {
		if u.file != fileSent {
			return wire.Errorf(nil, "a BodyWanted on stream %d, which has no file to refuse", f.Stream)
		}
		u.file = fileRefused
		return nil
	}
	n, err := wire.DecodeWindow(f.Payload)
	if err != nil {
		return err
	}
	if u.credit += n; u.credit > wire.Window {
		return wire.Errorf(nil, "credit of %d bytes on stream %d; the window is %d", u.credit, f.Stream, wire.Window)
	}
	return nil
}

// mark notes that bytes of the body go, or went.
func (u *upload) mark(now time.Time, starved bool) { u.moved, u.starved = now, starved }

// take returns how many of n bytes may go now, in one frame. ok: some may, or there
// are none.
func (u *upload) take(n int) (size int, ok bool) {
	size = min(n, wire.MaxInline, u.credit)
	u.credit -= size
	return size, size > 0 || n == 0
}
