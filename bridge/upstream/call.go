package upstream

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Call is what one request does with a connection, for protocols that a transport writes and
// reads itself: it bounds each wait, ends every wait with the request, and sends the request
// body while the response is awaited.
type Call struct {
	net.Conn
	req    *http.Request
	limits Timeouts
	unhook func() bool
	once   sync.Once

	sending sync.WaitGroup
	body    io.Closer // is being sent; nil: none

	mu      sync.Mutex
	bodyErr error // of the body's reading
	got     bool  // bytes of a response came
	unsent  bool  // a part of the body has not been sent
	last    bool  // what is missing is being sent
	leaves  bool  // Leave was called
}

// NewCall begins a call. End ends it.
func NewCall(c net.Conn, limits Timeouts, req *http.Request) *Call {
	x := &Call{Conn: c, req: req, limits: limits}
	x.unhook = context.AfterFunc(req.Context(), func() { // every wait ends
		x.mu.Lock()
		defer x.mu.Unlock()
		if !x.leaves {
			c.SetDeadline(time.Unix(1, 0))
		}
	})
	return x
}

// leaveTime is how long the last bytes of a call may take.
const leaveTime = 100 * time.Millisecond

// Leave writes the last bytes of a call whose request was sent completely, also when the request is over. End must follow.
func (x *Call) Leave(last []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.leaves = true; x.unsent {
		return
	}
	if x.Conn.SetWriteDeadline(time.Now().Add(leaveTime)) == nil {
		_, _ = x.Conn.Write(last) // the connection ends in any case
	}
}

// End closes the connection, and returns when no goroutine of the call runs any more.
func (x *Call) End() {
	x.once.Do(func() {
		x.unhook()
		x.Conn.Close()
		if x.body != nil {
			x.body.Close() // which ends a read of it
		}
		x.sending.Wait()
	})
}

// Release ends the call and leaves the connection open for another one. Not ok: the request
// was not sent completely, or is over; End has to be called.
func (x *Call) Release() (ok bool) {
	x.mu.Lock()
	stuck := x.unsent && !x.last
	x.mu.Unlock()
	if stuck {
		return false
	}
	x.once.Do(func() {
		x.sending.Wait()
		if ok = x.unhook() && !x.unsent; ok {
			ok = x.Conn.SetDeadline(time.Time{}) == nil
		}
		if !ok {
			x.Conn.Close()
		}
	})
	return ok
}

// Got reports whether bytes of a response came.
func (x *Call) Got() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.got
}

// Cause finds the cause of an error: the request's end, or its own body; else it is err.
func (x *Call) Cause(err error) error {
	if cause := context.Cause(x.req.Context()); cause != nil {
		return cause
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.bodyErr != nil {
		return x.bodyErr
	}
	return err
}

// deadline sets a deadline, unless the request is over.
func (x *Call) deadline(set func(time.Time) error, limit time.Duration) error {
	if limit > 0 {
		if err := set(time.Now().Add(limit)); err != nil {
			return err
		}
	}
	return x.req.Context().Err()
}

// Write writes to the other side, within the limit.
func (x *Call) Write(p []byte) (int, error) {
	if err := x.deadline(x.SetWriteDeadline, x.limits.Send); err != nil {
		return 0, err
	}
	return x.Conn.Write(p)
}

// Read reads from the other side, within the limit.
func (x *Call) Read(p []byte) (int, error) {
	if err := x.deadline(x.SetReadDeadline, x.limits.Read); err != nil {
		return 0, err
	}
	n, err := x.Conn.Read(p)
	if n > 0 {
		x.mu.Lock()
		x.got = true
		x.mu.Unlock()
	}
	return n, err
}

// Framing is what a protocol writes around the parts of a request body.
type Framing struct {
	Size int                      // bytes in front of each part
	Fill func(head []byte, n int) // fills them, for a part of n bytes; nil where Size is 0
	Tail []byte                   // behind the last part
}

const partSize = 32 << 10 // bytes of a body that are sent at once

// SendBody sends exactly the declared bytes of a body while the response is awaited. When the
// other side does not take all of them, its response counts, not our error; when the body is
// shorter, the connection ends: half a body must not look complete.
func (x *Call) SendBody(body io.ReadCloser, f Framing) {
	x.body, x.unsent = body, true
	x.sending.Go(func() { // ends with the connection, and End waits for it
		buf := make([]byte, f.Size+partSize)
		for left := x.req.ContentLength; left > 0; {
			n, err := body.Read(buf[f.Size:][:min(left, partSize)])
			if n > 0 {
				left -= int64(n)
				if f.Size > 0 {
					f.Fill(buf[:f.Size], n)
				}
				if _, err := x.Write(buf[:f.Size+n]); err != nil {
					return
				}
			}
			if err != nil && left > 0 {
				if err == io.EOF {
					err = io.ErrUnexpectedEOF
				}
				x.mu.Lock()
				x.bodyErr = err
				x.mu.Unlock()
				x.Conn.Close()
				return
			}
		}
		x.mu.Lock()
		x.last = true
		x.mu.Unlock()
		if _, err := x.Write(f.Tail); err != nil {
			return
		}
		x.mu.Lock()
		x.unsent = false
		x.mu.Unlock()
	})
}

// HasBody reports whether req has a body to send.
func HasBody(req *http.Request) bool {
	return req.Body != nil && req.Body != http.NoBody && req.ContentLength != 0
}
