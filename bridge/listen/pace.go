package listen

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// pace is what is known of how fast a client is. The goroutine that serves the connection
// writes the first part, and look alone the second.
type pace struct {
	writing  atomic.Int32 // writes under way
	over     atomic.Bool  // the client was too slow: nothing is written any more
	upgraded atomic.Bool
	written  atomic.Int64 // bytes that the system has taken
	moved    atomic.Int64 // bytes in both directions, since upgraded

	waits    bool  // the last look has found a write under way
	taken    int64 // bytes, at the last look
	looked   time.Time
	patience httpx.Patience
	seen     int64     // of moved
	active   time.Time // when moved was another one; zero: not upgraded yet
}

// reason names the limit that ended a connection; empty: it was not ended.
type reason string

const (
	silentTunnel reason = "tunnel_timeout"
	slowReader   reason = "send_timeout"
)

func (r reason) sentence() string {
	if r == silentTunnel {
		return "an upgraded connection was ended: it was silent for tunnel_timeout"
	}
	return "a connection was ended: its client did not take its answer within send_timeout and min_rate"
}

// begin is called before a write; false: nothing may be written any more.
func (p *pace) begin() bool {
	p.writing.Add(1)
	if p.over.Load() {
		p.writing.Add(-1)
		return false
	}
	return true
}

func (p *pace) end() { p.writing.Add(-1) }

func (p *pace) wrote(n int) {
	p.written.Add(int64(n))
	p.read(n)
}

func (p *pace) read(n int) {
	if p.upgraded.Load() {
		p.moved.Add(int64(n))
	}
}

// look ends a connection whose client is too slow, and returns the reason.
func (p *pace) look(c *Conn, limits *Limits, now time.Time) reason {
	if p.silent(limits.Tunnel, now) {
		p.stop(c)
		return silentTunnel
	}
	if limits.Send.Silence <= 0 || p.writing.Load() == 0 || p.over.Load() {
		p.waits = false
		return ""
	}
	left, known := unsent(c)
	taken, exact := acked(c)
	if !exact {
		taken = p.written.Load() - int64(left)
	}
	switch {
	case known && left == 0: // it has all that there is: sendfile waits for the file
		p.waits = false
		return ""
	case !p.waits:
		p.waits = true
		p.patience.Begin(limits.Send)
	default:
		moved := taken - p.taken
		if !exact && moved != 0 { // something has moved, and it is not known how much
			moved = math.MaxInt64
		}
		if !p.patience.Spend(now.Sub(p.looked), moved) {
			// What the client has not taken by now would hold memory for minutes more.
			_ = c.SetLinger(0)
			p.stop(c)
			return slowReader
		}
	}
	p.taken, p.looked = taken, now
	return ""
}

// silent reports that a tunnel has been silent for limit, once for each limit.
func (p *pace) silent(limit time.Duration, now time.Time) bool {
	switch moved := p.moved.Load(); {
	case !p.upgraded.Load() || limit <= 0:
	case moved != p.seen || p.active.IsZero():
		p.seen, p.active = moved, now
	case now.Sub(p.active) >= limit:
		p.active = now
		return true
	}
	return false
}

// stop makes reads and writes under way fail, so that the goroutine that serves the
// connection closes it.
func (p *pace) stop(c *Conn) {
	p.over.Store(true)
	_ = c.Conn.SetDeadline(time.Unix(1, 0))
}

// stayEnded is called after a deadline was set: stop may have come just before.
func (p *pace) stayEnded(c *Conn, err error) error {
	if err != nil || !p.over.Load() {
		return err
	}
	return c.Conn.SetDeadline(time.Unix(1, 0))
}
