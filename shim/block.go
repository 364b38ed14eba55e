package shim

import "sync"

// block is memory for the frames of one pipe. The FrameReader reads into it, and
// when it holds the octets of a large body, the Exchange keeps it: they are not
// copied until they go to the client. Whoever has a block last gives it back; one
// that is not given back is the garbage collector's.
type block []byte

// What a block holds: a whole frame with this much of body, and a head of some size; octets.
var blockSizes = [...]int{readSize, 128<<10 + blockHead, 256<<10 + blockHead}

const blockHead = 4 << 10

var blocks [len(blockSizes)]sync.Pool // *block of each size

// newBlock returns a block of n octets at least.
func newBlock(n int) *block {
	for i, size := range blockSizes {
		if n <= size {
			if b, ok := blocks[i].Get().(*block); ok {
				return b
			}
			n = size
			break
		}
	}
	b := make(block, n)
	return &b
}

// free gives the block back. nil: there is none.
func (b *block) free() {
	if b == nil {
		return
	}
	for i, size := range blockSizes {
		if len(*b) == size {
			blocks[i].Put(b)
		}
	}
}

// chunk is a part of an answer's body.
type chunk struct {
	p    []byte
	from lender // of the memory that p lies in; nil: p is on its own
}

// shared reports whether the octets lie in the worker's shared memory.
func (c chunk) shared() bool {
	_, ok := c.from.(*part)
	return ok
}

// lender gets its memory back when nobody reads it any more: *block, *part.
type lender interface{ free() }

// free gives the memory back.
func (c chunk) free() {
	if c.from != nil {
		c.from.free()
	}
}

// keeper lends the memory of a frame's payload: FrameReader.
type keeper interface{ keep(n int) *block }
