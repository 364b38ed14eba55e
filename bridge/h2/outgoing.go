package h2

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"sync/atomic"
)

// outgoing follows what net/http sends. mu is held, but for what is atomic.
type outgoing struct {
	walk
	c        *conn
	owed     []byte      // frames of ours, to be sent between those of net/http
	wrote    int         // calls of Write
	goneAway atomic.Bool // net/http has sent GOAWAY
	asked    atomic.Bool // net/http has sent a ping
	failed   atomic.Bool // a write has failed
}

// write sends p.
func (o *outgoing) write(p []byte) (int, error) {
	if o.c.over.Load() != nil {
		p = o.calm(p)
	}
	if o.wrote++; o.wrote == 1 && o.c.srv.isLeaving() {
		o.c.wake()
	}
	n, err := o.c.Conn.Write(p)
	o.sent(p[:n])
	if err != nil {
		o.failed.Store(true)
		return n, err
	}
	return n, o.settle()
}

// settle sends what is owed, unless a frame is incomplete: then the next Write does. mu is held.
func (o *outgoing) settle() error {
	if len(o.owed) == 0 || !o.between() {
		return nil
	}
	_, err := o.c.Conn.Write(o.owed)
	o.owed = o.owed[:0]
	return err
}

// calm is p, or a copy in which GOAWAY has the code ENHANCE_YOUR_CALM: net/http sends it because of
// tooLarge.
func (o *outgoing) calm(p []byte) []byte {
	w := o.walk
	for rest := p; len(rest) > 0; {
		n, h, ok := w.next(rest)
		rest = rest[n:]
		if ok && h.kind == goAwayFrame && len(rest) >= 8 && binary.BigEndian.Uint32(rest[4:]) == frameSizeError {
			q := bytes.Clone(p)
			binary.BigEndian.PutUint32(q[len(p)-len(rest)+4:], enhanceYourCalm)
			return q
		}
	}
	return p
}

// sent follows what was sent.
func (o *outgoing) sent(p []byte) {
	c := o.c
	for len(p) > 0 {
		n, h, ok := o.next(p)
		if p = p[n:]; !ok {
			return
		}
		switch h.kind {
		case dataFrame:
			c.tally.data.Add(1)
			c.tally.bytes.Add(int64(h.length))
			if h.has(endStream) {
				o.ownAnswer(h, p)
			}
		case rstFrame:
			if len(p) >= 4 {
				o.reset(binary.BigEndian.Uint32(p))
			}
		case goAwayFrame:
			if len(p) >= 8 {
				o.goesAway(binary.BigEndian.Uint32(p[4:]))
			}
		case pingFrame:
			if !h.has(ack) {
				o.asked.Store(true)
			}
		}
	}
}

// The answers that net/http gives by itself: it has no hook for them. They are known by their
// bodies.
const (
	ownTooLarge   = "<h1>HTTP Error 431</h1><p>Request Header Field(s) Too Large</p>"
	ownBadField   = "request header \""
	ownBadFieldBy = " in HTTP/2\n"
)

// ownAnswer looks whether the answer that ends with this frame is net/http's own. p begins with the
// payload.
func (o *outgoing) ownAnswer(h head, p []byte) {
	if h.length < len(ownBadField) || h.length > len(ownTooLarge) || len(p) < h.length {
		return
	}
	switch p = p[:h.length]; {
	case string(p) == ownTooLarge:
		o.c.srv.records.refused(o.c, http.StatusRequestHeaderFieldsTooLarge, "head_too_large", "the fields of a request are larger than 32 KiB")
	case bytes.HasPrefix(p, []byte(ownBadField)) && bytes.HasSuffix(p, []byte(ownBadFieldBy)):
		o.c.srv.records.refused(o.c, http.StatusBadRequest, "connection_field", "a request has a field of the connection, or TE with another value than trailers (RFC 9113 8.2.2)")
		o.owed = appendFrame(o.owed, rstFrame, 0, h.stream, 0, 0, 0, protocolError) // behind the answer: RFC 9113 8.1.1
	}
}

// reset is called for each stream that net/http resets.
func (o *outgoing) reset(code uint32) {
	switch code {
	case protocolError, flowControlError, frameSizeError, compressionError:
		o.c.tally.faults.Add(1)
		o.c.srv.records.refused(o.c, http.StatusBadRequest, "stream_error", "a stream was reset, because its frames or fields do not follow RFC 9113")
	}
}

// reasons are those of GOAWAY from net/http.
var reasons = map[uint32]string{
	protocolError: "protocol_error", flowControlError: "flow_control_error", settingsTimeout: "settings_timeout", frameSizeError: "frame_size_error",
	compressionError: "compression_error", enhanceYourCalm: "rapid_reset", inadequateSecurity: "inadequate_security",
}

// goesAway is called when net/http has sent GOAWAY.
func (o *outgoing) goesAway(code uint32) {
	o.goneAway.Store(true)
	if code == noError {
		o.c.wake()
		return
	}
	why := reasons[code]
	if why == "" {
		why = "other_error"
	}
	o.c.end(why)
}
