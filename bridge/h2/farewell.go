package h2

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// farewell ends a connection when the server stops, so that no request on its way is lost (RFC 9113
// 6.8). GOAWAY comes with a last stream that no client reaches, and a ping. When the ping is answered,
// everything that the client sent before it knew has come: net/http gets a GOAWAY from the client,
// sends its own, which is final, and answers the streams that run. Without a stream, another ping
// asks whether the client has read everything. When that is answered, net/http gets a ping: its answer
// comes behind all that it had to send. If that was nothing, the connection is closed; else the client
// is asked again.
type farewell struct {
	c      *conn
	ping   [8]byte                // of those to the client
	probe  [8]byte                // of those to net/http; no client knows it
	asked  atomic.Bool            // the first GOAWAY was sent
	forged atomic.Pointer[[]byte] // a frame that net/http is to get from the client
	step   step                   // mu is held
	wrote  int                    // outgoing.wrote at the second ping; mu is held
}

type step int

const (
	serving step = iota
	asking       // GOAWAY and a ping were sent
	ending       // net/http has sent GOAWAY, or is about to
	closing      // the second ping was sent
	probing      // net/http was asked
)

const lastStream = 1<<31 - 1 // that there can be

// clientLeaves is a GOAWAY frame of a client.
var clientLeaves = appendFrame(nil, goAwayFrame, 0, 0, goAway(0, noError)...)

// stay serves what the connection itself has to do, until it is closed.
func (c *conn) stay(left <-chan struct{}) {
	for {
		select {
		case <-c.closed:
			return
		case <-left:
			left = nil
		case <-c.kick:
		}
		if c.in.cut.Load() {
			c.discard()
			continue
		}
		c.mu.Lock()
		c.bye.advance()
		c.mu.Unlock()
	}
}

// advance sends what is next. mu is held.
func (b *farewell) advance() {
	out := &b.c.out
	switch {
	case b.step == serving && b.c.srv.isLeaving() && out.wrote > 0: // the first frame of a server is SETTINGS
		binary.LittleEndian.PutUint64(b.ping[:], rand.Uint64())
		binary.LittleEndian.PutUint64(b.probe[:], rand.Uint64())
		b.step = asking
		b.asked.Store(true)
		out.owed = appendFrame(out.owed, goAwayFrame, 0, 0, goAway(lastStream, noError)...)
	case b.step == ending && out.goneAway.Load() && b.c.idle.Load():
		b.step, b.wrote = closing, out.wrote
	default:
		return
	}
	out.owed = appendFrame(out.owed, pingFrame, 0, 0, b.ping[:]...)
	_ = out.settle()
}

// answered is called when the client has answered a ping, by the goroutine that reads.
func (b *farewell) answered() {
	b.c.mu.Lock()
	defer b.c.mu.Unlock()
	switch b.step {
	case asking:
		b.step = ending
		b.forged.Store(&clientLeaves)
		b.c.wake()
	case closing:
		b.step = probing
		ping := appendFrame(nil, pingFrame, 0, 0, b.probe[:]...)
		b.forged.Store(&ping)
	}
}

// write sends p, but for net/http's answer to the probe. mu is held.
func (b *farewell) write(p []byte) (int, error) {
	out := &b.c.out
	if b.step != probing {
		return out.write(p)
	}
	answer := appendFrame(nil, pingFrame, ack, 0, b.probe[:]...)
	i := bytes.Index(p, answer)
	if i < 0 {
		return out.write(p)
	}
	if len(p) == len(answer) && b.wrote == out.wrote && b.c.idle.Load() {
		_ = b.c.Close()
		return len(p), nil
	}
	b.step = ending
	b.c.wake()
	if len(p) == len(answer) {
		return len(p), nil
	}
	n, err := out.write(append(p[:i:i], p[i+len(answer):]...))
	if err == nil {
		n = len(p)
	}
	return n, err
}

// most is how much of what a client sends to a connection that ends is read: else a reset could
// overtake GOAWAY. Bytes.
const most = 16 << 20

// discard reads, and gives it to nothing. net/http closes the connection a second after GOAWAY.
func (c *conn) discard() { _, _ = io.CopyN(io.Discard, c.Conn, most) }

// refuse sends SETTINGS and a GOAWAY without an error, and closes the connection: no stream was
// served, so clients may send each request once more, on another connection.
func (c *conn) refuse() {
	hello := appendFrame(nil, settingsFrame, 0, 0)
	_, err := c.Conn.Write(appendFrame(hello, goAwayFrame, 0, 0, goAway(0, noError)...))
	if l, ok := c.Conn.(interface{ LingeringClose() error }); ok && err == nil { // else what the client sends could discard it
		_ = l.LingeringClose()
	}
	_ = c.Close()
}

// grace is how long clients have to answer the first ping when the server stops.
const grace = 500 * time.Millisecond
