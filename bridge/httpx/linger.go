package httpx

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

// A client that is answered before its request body was read goes on sending until it
// has seen the answer. If the connection were closed on it, the reset could overtake the
// answer, or throw it away. So what comes is read and thrown away, for a while
// (RFC 9112 9.6).
const (
	LingerTotal   = 30 * time.Second // nginx's lingering_time
	LingerSilence = 5 * time.Second  // nginx's lingering_timeout
	LingerMost    = 256 << 20        // bytes
	// lingerHurry is all that is left in a hurry.
	lingerHurry = time.Second
	lingerLook  = 200 * time.Millisecond // how often it is asked whether that is so
)

// Lingerer is a connection that lingers.
type Lingerer interface {
	io.Reader
	SetReadDeadline(time.Time) error
}

// Linger reads and throws away what comes on c behind an answer that is complete, until
// the other side closes, is silent, or the time or the amount is used up. The caller has
// closed its own side for writing, if it can, and closes c afterwards; a close from
// elsewhere ends Linger. hurry says that the server stops, or needs the connection's place; nil: it
// never does.
func Linger(c Lingerer, hurry func() bool) {
	buf := lingerBufs.Get().(*[32 << 10]byte)
	defer lingerBufs.Put(buf)
	begun := time.Now()
	last, total := begun, LingerTotal
	for left := int64(LingerMost); left > 0; {
		now := time.Now()
		if hurry != nil && hurry() {
			total = lingerHurry
		}
		rest := min(total-now.Sub(begun), LingerSilence-now.Sub(last))
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
