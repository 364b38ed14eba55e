package body

import (
	"errors"
	"io"
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
	// lingerHurry is the total time when the server is in a hurry.
	lingerHurry = time.Second
	lingerLook  = 200 * time.Millisecond // how often hurry is asked
)

// Lingerer is a connection that lingers.
type Lingerer interface {
	io.Reader
	SetReadDeadline(time.Time) error
}

// Linger reads and discards what comes on c after a complete response, until the other
// side closes, is silent, or the time or the amount is used up. The caller has closed its
// own side for writing, if it can, and closes c afterwards; if c is closed elsewhere,
// Linger returns. hurry reports that the server stops, or needs the connection's place;
// nil: it never does.
func Linger(c Lingerer, hurry func() bool) {
	buf := lingerBufs.Get().(*[32 << 10]byte)
	defer lingerBufs.Put(buf)
	begun := time.Now()
	last, total := begun, lingerTotal
	for left := int64(lingerMost); left > 0; {
		now := time.Now()
		if hurry != nil && hurry() {
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
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
	}
}

var lingerBufs = sync.Pool{New: func() any { return new([32 << 10]byte) }}
