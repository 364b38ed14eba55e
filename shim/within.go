package shim

import "time"

// steps is in how many a limit goes by: a time in which the whole machine stood still counts as one of them.
const steps = 10

// Within reports whether c has something, or is closed, within limit, and takes it.
func Within[T any](c <-chan T, limit time.Duration) bool {
	for range steps {
		select {
		case <-c:
			return true
		case <-time.After(limit / steps):
		}
	}
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// lastAnswers is how long answers are read after a write has failed.
const lastAnswers = 500 * time.Millisecond

// endSoon fails the Conn, and closes it, when lastAnswers is over, in steps. It ends by itself; no harm after Close.
func endSoon(c *Conn, err error, left int) {
	time.AfterFunc(lastAnswers/steps, func() {
		if left > 1 && c.Err() == nil {
			endSoon(c, err, left-1)
			return
		}
		c.fail(err)
		c.Close()
	})
}
