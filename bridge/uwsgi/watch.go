package uwsgi

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// watch cancels a request when the peer disconnects before it is answered. The peer sends
// nothing after its request, so a read that ends means that the peer is gone.
type watch struct {
	conn   net.Conn
	cancel func()

	mu    sync.Mutex
	timer *time.Timer
	over  bool
	done  chan struct{} // closed when the reading goroutine has ended; nil: it was not started
}

// watchAfter is how long a request runs before the watch reads: most requests are answered by
// then, and cost neither a goroutine nor a system call for it.
const watchAfter = 5 * time.Millisecond

// start begins when the request has been read.
func (w *watch) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer == nil && !w.over {
		w.timer = time.AfterFunc(watchAfter, w.run)
	}
}

// run waits for the peer's end. It runs on the timer's goroutine, which stop waits for.
func (w *watch) run() {
	w.mu.Lock()
	if w.over {
		w.mu.Unlock()
		return
	}
	done := make(chan struct{})
	w.done = done
	_ = w.conn.SetReadDeadline(time.Time{})
	w.mu.Unlock()
	defer close(done)
	var p [64]byte // bytes beyond the declared length are discarded
	for {
		_, err := w.conn.Read(p[:])
		if err == nil {
			continue
		}
		w.mu.Lock()
		over := w.over
		late := errors.Is(err, os.ErrDeadlineExceeded)
		if !over && late { // a deadline that was meant for the body
			_ = w.conn.SetReadDeadline(time.Time{})
		}
		w.mu.Unlock()
		if over || !late {
			if !over {
				w.cancel()
			}
			return
		}
	}
}

// stop is called when the handler has returned.
func (w *watch) stop() {
	w.mu.Lock()
	w.over = true
	done := w.done
	if w.timer != nil {
		w.timer.Stop()
	}
	if done != nil {
		_ = w.conn.SetReadDeadline(time.Unix(1, 0))
	}
	w.mu.Unlock()
	if done != nil {
		<-done
	}
}
