package shim

import (
	"time"

	"github.com/standpipe/standpipe/shim/wire"
)

// Watcher hears that the octets of an answer are not taken as fast as they come.
type Watcher interface {
	// Behind is called once, on the Conn's reader and within the Exchange's lock:
	// it must not wait, nor call the Exchange. It is not called after Close.
	Behind()
}

// scarce is the rest of a worker's credit at which its reader counts as behind:
// the worker would soon have to wait. The reader has given back what it took by
// halves of the window, so more than this much is waiting for it. As much in shared
// memory counts as well.
const scarce = wire.Window / 4

// Watch makes w hear when the reader of the answer has fallen behind; it may be
// at once. It is called after Head.
func (x *Exchange) Watch(w Watcher) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.watcher = w
	x.tell()
}

// tell calls the watcher. mu is held.
func (x *Exchange) tell() {
	if w := x.watcher; w != nil && (x.allowed <= scarce || x.queued >= wire.Window-scarce) && !x.ended && !x.closed {
		x.watcher = nil
		w.Behind()
	}
}

// Ran is how long the worker has run the request: from its sending to the
// answer's end, or until now.
func (x *Exchange) Ran() time.Duration {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.since.IsZero():
		return 0
	case x.endedAt.IsZero():
		return time.Since(x.since)
	}
	return x.endedAt.Sub(x.since)
}

// Begun reports whether the answer's head has come.
func (x *Exchange) Begun() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.head != nil
}
