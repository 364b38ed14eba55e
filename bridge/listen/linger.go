package listen

import (
	"errors"
	"os"
	"sync"
	"time"
)

// A client that gets its response before its request body was read continues sending
// until it has seen the response. If the server closed the connection at once, a reset
// could overtake the response, or discard it. So the server reads what comes and discards
// it, for a while (RFC 9112 9.6).
const (
	lingerTotal   = 30 * time.Second // nginx's lingering_time
	lingerSilence = 5 * time.Second  // nginx's lingering_timeout
	lingerMost    = 256 << 20        // bytes
	// lingerHurry is the total time when the server stops, or needs the slot.
	lingerHurry = time.Second
	lingerLook  = 200 * time.Millisecond // how often that is asked
)

// LingeringClose closes the connection after a complete response whose client may still
// send. It returns when the client has closed its side, or was given its time; or at once,
// if the connection is closed elsewhere. A second Close does no harm.
func (c *Conn) LingeringClose() error {
	linger(c)
	return c.Close()
}

func linger(c *Conn) {
	if c.TooSlow() || c.CloseWrite() != nil {
		return
	}
	buf := lingerBufs.Get().(*[32 << 10]byte)
	defer lingerBufs.Put(buf)
	begun := time.Now()
	last, total := begun, lingerTotal
	for left := int64(lingerMost); left > 0; {
		now := time.Now()
		if c.group.hurried() {
			total = lingerHurry
		}
		rest := min(total-now.Sub(begun), lingerSilence-now.Sub(last))
		if rest <= 0 || c.SetReadDeadline(now.Add(min(rest, lingerLook))) != nil {
			return
		}
		n, err := c.Read(buf[:])
		if n > 0 {
			left -= int64(n)
			last = time.Now()
		}
		if err != nil && (!errors.Is(err, os.ErrDeadlineExceeded) || c.TooSlow()) {
			return
		}
	}
}

var lingerBufs = sync.Pool{New: func() any { return new([32 << 10]byte) }}
