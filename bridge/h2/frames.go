package h2

import "encoding/binary"

// The types of frames (RFC 9113 6; RFC 9218 7.1).
const (
	dataFrame           = 0
	headersFrame        = 1
	priorityFrame       = 2
	rstFrame            = 3
	settingsFrame       = 4
	pingFrame           = 6
	goAwayFrame         = 7
	windowUpdateFrame   = 8
	continuationFrame   = 9
	priorityUpdateFrame = 16
)

// Flags of frames.
const (
	endStream  = 1 // of DATA and HEADERS
	ack        = 1 // of SETTINGS and PING
	endHeaders = 4 // of HEADERS and CONTINUATION
)

// Error codes (RFC 9113 7).
const (
	noError            = 0
	protocolError      = 1
	flowControlError   = 3
	settingsTimeout    = 4
	frameSizeError     = 6
	compressionError   = 9
	enhanceYourCalm    = 11
	inadequateSecurity = 12
)

// headSize is the size of a frame's head; bytes.
const headSize = 9

// head is that of a frame.
type head struct {
	length      int
	kind, flags byte
	stream      uint32
}

func parseHead(b *[headSize]byte) head {
	return head{int(b[0])<<16 | int(b[1])<<8 | int(b[2]), b[3], b[4], binary.BigEndian.Uint32(b[5:]) & (1<<31 - 1)}
}

func (h head) has(flag byte) bool { return h.flags&flag != 0 }

// appendFrame appends a frame.
func appendFrame(b []byte, kind, flags byte, stream uint32, payload ...byte) []byte {
	n := len(payload)
	b = append(b, byte(n>>16), byte(n>>8), byte(n), kind, flags)
	return append(binary.BigEndian.AppendUint32(b, stream), payload...)
}

// goAway is the payload of a GOAWAY frame.
func goAway(last, code uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last), code)
}

// walk follows the frames of a stream of bytes that comes in pieces.
type walk struct {
	part [headSize]byte // of a head
	have int            // bytes of part
	left int            // bytes of the payload
}

// next takes bytes of p up to the end of the next head, and returns how many. ok: there is one.
func (w *walk) next(p []byte) (n int, h head, ok bool) {
	n = min(w.left, len(p))
	w.left -= n
	if n == len(p) {
		return n, head{}, false
	}
	m := copy(w.part[w.have:], p[n:])
	w.have += m
	if w.have < headSize {
		return n + m, head{}, false
	}
	h = parseHead(&w.part)
	w.have, w.left = 0, h.length
	return n + m, h, true
}

// between reports that all frames so far are complete.
func (w *walk) between() bool { return w.have == 0 && w.left == 0 }
