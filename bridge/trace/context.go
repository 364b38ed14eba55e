package trace

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
)

// ID is that of a trace; all zeros: none.
type ID [16]byte

// SpanID is that of a span; all zeros: none.
type SpanID [8]byte

// The bits of Context.Flags.
const (
	Sampled = 1 << 0 // the caller records the trace
	Random  = 1 << 1 // at least the last 7 bytes of the trace's id are random
)

// Context is a position in a trace.
type Context struct {
	Trace ID
	Span  SpanID
	Flags byte // Sampled, Random; others are not passed on
}

// Valid reports whether there is a position at all.
func (c Context) Valid() bool { return c.Trace != ID{} && c.Span != SpanID{} }

// parentSize is the length of a traceparent of version 00.
const parentSize = len("00-") + 32 + len("-") + 16 + len("-00")

// NewContext begins a trace.
func NewContext() Context {
	c := Context{Flags: Random, Span: NewSpanID()}
	for c.Trace == (ID{}) {
		binary.NativeEndian.PutUint64(c.Trace[:8], rand.Uint64())
		binary.NativeEndian.PutUint64(c.Trace[8:], rand.Uint64())
	}
	return c
}

// NewSpanID returns the id of another span.
func NewSpanID() (id SpanID) {
	for id == (SpanID{}) {
		binary.NativeEndian.PutUint64(id[:], rand.Uint64())
	}
	return id
}

// Parse reads a traceparent. Of a higher version it reads what version 00 has; what may follow is left out.
func Parse(s string) (c Context, ok bool) {
	if len(s) < parentSize || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return Context{}, false
	}
	var version, flags [1]byte
	if !unhex(version[:], s[:2]) || version[0] == 0xff || len(s) > parentSize && (version[0] == 0 || s[parentSize] != '-') {
		return Context{}, false
	}
	if !unhex(c.Trace[:], s[3:35]) || !unhex(c.Span[:], s[36:52]) || !unhex(flags[:], s[53:55]) || !c.Valid() {
		return Context{}, false
	}
	c.Flags = flags[0] & (Sampled | Random)
	return c, true
}

// unhex reads digits, of which letters are small: package hex takes others too.
func unhex(dst []byte, s string) bool {
	for i := range dst {
		hi, lo := nibbles[s[2*i]], nibbles[s[2*i+1]]
		if hi|lo > 15 {
			return false
		}
		dst[i] = hi<<4 | lo
	}
	return true
}

// nibbles are the values of hexadecimal digits; 255: it is none. Never written to after init.
var nibbles = func() (t [256]byte) {
	for i := range t {
		t[i] = 255
	}
	for i, c := range []byte("0123456789abcdef") {
		t[c] = byte(i)
	}
	return t
}()

// String is c as a traceparent.
func (c Context) String() string {
	var b [parentSize]byte
	copy(b[:], "00-")
	hex.Encode(b[3:], c.Trace[:])
	b[35] = '-'
	hex.Encode(b[36:], c.Span[:])
	b[52] = '-'
	hex.Encode(b[53:], []byte{c.Flags})
	return string(b[:])
}

// String is the id as logs have it.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// String is the id as logs have it.
func (id SpanID) String() string { return hex.EncodeToString(id[:]) }
