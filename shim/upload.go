package shim

import (
	"time"

	"github.com/standpipe/standpipe/shim/wire"
)

// The keys of a Request whose body is in a file, and of one whose body is sent when it is asked
// for. The app does not see them.
const (
	varBodyFile     = "standpipe.body_file"
	varBodySize     = "standpipe.body_size"
	varBodyOnDemand = "standpipe.body_on_demand"
)

// bodyState says whether the body of an exchange is sent in frames.
type bodyState uint8

const (
	bodySent   bodyState = iota // it is
	bodyHeld                    // not before the worker asks for it
	bodyWanted                  // it has asked
)

// upload is what the worker may be sent of a request body. It waits for nothing and
// sends nothing.
type upload struct {
	credit  int // bytes that may be sent
	state   bodyState
	moved   time.Time // when bytes went last, or a wait to send some began
	starved bool      // the worker has all that came, and more is to come
}

// step enters a frame of the worker's. Errors are *wire.ProtocolError.
func (u *upload) step(f wire.Frame) error {
	if f.Kind == wire.KindBodyWanted {
		if u.state != bodyHeld {
			return wire.Errorf(nil, "a BodyWanted on stream %d, whose body is not held back", f.Stream)
		}
		u.state, u.starved = bodyWanted, true
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
