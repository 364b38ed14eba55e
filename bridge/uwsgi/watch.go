package uwsgi

import (
	"errors"
	"os"
	"sync"
	"time"
)

// watch ends a request's context when the peer leaves before it is answered. The
// peer sends nothing behind its request, so what can be read then is the end.
type watch struct {
	mu    sync.Mutex
	timer *time.Timer
	over  bool
	done  chan struct{} // closed when the reading goroutine has ended; nil: it was not started
}

// watchAfter is how long a request runs before somebody looks: most are answered
// by then, and cost neither a goroutine nor a system call for it.
const watchAfter = 5 * time.Millisecond

// startWatch begins when the request has been read.
func (c *conn) startWatch() {
	w := &c.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer == nil && !w.over {
		w.timer = time.AfterFunc(watchAfter, c.look)
	}
}

// look waits for the peer's end. It runs on the timer's goroutine, which stopWatch
// waits for.
func (c *conn) look() {
	w := &c.watch
	w.mu.Lock()
	if w.over {
		w.mu.Unlock()
		return
	}
	done := make(chan struct{})
	w.done = done
	_ = c.Conn.SetReadDeadline(time.Time{})
	w.mu.Unlock()
	defer close(done)
	var p [64]byte // more than was declared is not wanted
	for {
		_, err := c.Conn.Read(p[:])
		if err == nil {
			continue
		}
		w.mu.Lock()
		over := w.over
		late := errors.Is(err, os.ErrDeadlineExceeded)
		if !over && late { // a deadline that was meant for the body
			_ = c.Conn.SetReadDeadline(time.Time{})
		}
		w.mu.Unlock()
		if over || !late {
			if !over {
				c.cancel()
			}
			return
		}
	}
}

// stopWatch: the handler has returned.
func (c *conn) stopWatch() {
	w := &c.watch
	w.mu.Lock()
	w.over = true
	done := w.done
	if w.timer != nil {
		w.timer.Stop()
	}
	if done != nil {
		_ = c.Conn.SetReadDeadline(time.Unix(1, 0))
	}
	w.mu.Unlock()
	if done != nil {
		<-done
	}
}
