package wire

import "sync"

// Block is memory for the frames of one pipe. The Reader reads into it, and
// when it holds the bytes of a large body, the Exchange keeps it: they are not
// copied until they go to the client. The last user of a block gives it back; one
// that is not given back is the garbage collector's.
type Block []byte

// What a block holds: a whole frame with this much of body, and a head of some size; bytes.
var blockSizes = [...]int{readSize, 128<<10 + blockHead, 256<<10 + blockHead}

const blockHead = 4 << 10

var blocks [len(blockSizes)]sync.Pool // *Block of each size

// newBlock returns a block of n bytes at least.
func newBlock(n int) *Block {
	for i, size := range blockSizes {
		if n <= size {
			if b, ok := blocks[i].Get().(*Block); ok {
				return b
			}
			n = size
			break
		}
	}
	b := make(Block, n)
	return &b
}

// Free gives the block back. nil: there is none.
func (b *Block) Free() {
	if b == nil {
		return
	}
	for i, size := range blockSizes {
		if len(*b) == size {
			blocks[i].Put(b)
		}
	}
}
