package shim

import "github.com/standpipe/standpipe/shim/wire"

// chunk is a part of an answer's body.
type chunk struct {
	p    []byte
	from lender // of the memory that p lies in; nil: p is on its own
}

// shared reports whether the bytes lie in the worker's shared memory.
func (c chunk) shared() bool {
	_, ok := c.from.(*part)
	return ok
}

// lender gets its memory back when it is not read any more: *wire.Block, *part.
type lender interface{ Free() }

// free gives the memory back.
func (c chunk) free() {
	if c.from != nil {
		c.from.Free()
	}
}

// keeper lends the memory of a frame's payload: wire.Reader.
type keeper interface{ Keep(n int) *wire.Block }
