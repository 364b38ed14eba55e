package disk

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"github.com/standpipe/standpipe/bridge/cache"
	"github.com/standpipe/standpipe/bridge/content"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/spool"
)

// proof is which blocks of a body have been verified since this process uses the folder. All readers
// of a file share it.
type proof struct {
	id   [16]byte
	sums []uint32
	done []atomic.Uint32 // a bit for each block
	left atomic.Int64    // how many have not been verified
}

func newProof(id [16]byte, sums []uint32) *proof {
	p := &proof{id: id, sums: sums, done: make([]atomic.Uint32, (len(sums)+31)/32)}
	p.left.Store(int64(len(sums)))
	return p
}

func (p *proof) has(block int64) bool { return p.done[block/32].Load()&(1<<(block%32)) != 0 }

// add says that a block was verified, and reports whether all were now.
func (p *proof) add(block int64) (all bool) {
	bit := uint32(1) << (block % 32)
	return p.done[block/32].Or(bit)&bit == 0 && p.left.Add(-1) == 0
}

// body is an open file, for one reader at a time. It is a cache.Stored.
type body struct {
	t     *Tier
	name  name
	id    [16]byte
	file  *os.File
	size  int64
	proof *proof // nil: all blocks were verified
}

var _ cache.Stored = (*body)(nil)

var buffers = sync.Pool{New: func() any { return new([blockLen]byte) }}

// verified reports whether blocks from the one at off on need no reading, and up to which offset that
// is so; not: up to where the block at off goes.
func (b *body) verified(off, end int64) (ok bool, until int64) {
	p := b.proof
	if p == nil || p.left.Load() == 0 {
		return true, end
	}
	i := off / blockLen
	ok = p.has(i)
	for i++; ok && i*blockLen < end && p.has(i); i++ {
	}
	return ok, min(end, i*blockLen)
}

// block reads and verifies the block at off, and returns it from off on.
func (b *body) block(buf *[blockLen]byte, off int64) ([]byte, error) {
	i := off / blockLen
	p := buf[:min(blockLen, b.size-i*blockLen)]
	err := readFull(spool.DiskFile{File: b.file}, p, i*blockLen)
	if err == nil && sum(p) != b.proof.sums[i] {
		err = damaged(fmt.Sprintf("checksum of block %d", i))
	}
	if err != nil {
		b.t.failed(b.name, b.id, err)
		return nil, err
	}
	if b.proof.add(i) {
		b.t.known.proven(b.name, b.id)
	}
	return p[off-i*blockLen:], nil
}

// SendTo sends what was verified by sendfile(2), and the rest through memory.
func (b *body) SendTo(w cache.Destination, s content.Span) (sent int64, err error) {
	for end := s.Start + s.Length; s.Start+sent < end; {
		off := s.Start + sent
		ok, until := b.verified(off, end)
		var n int64
		if ok {
			n, err = content.File{File: b.file}.SendTo(w, content.Span{Start: off, Length: until - off})
		} else {
			n, err = b.sendBlock(w, off, until)
		}
		sent += n
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

func (b *body) sendBlock(w io.Writer, off, until int64) (int64, error) {
	buf := buffers.Get().(*[blockLen]byte)
	defer buffers.Put(buf)
	p, err := b.block(buf, off)
	if err != nil {
		return 0, err
	}
	n, err := w.Write(p[:until-off])
	if err != nil {
		err = fmt.Errorf("%w: %w", httpx.ErrClientGone, err)
	}
	return int64(n), err
}

// ReadAt is io.ReaderAt's.
func (b *body) ReadAt(p []byte, off int64) (n int, err error) {
	short := off+int64(len(p)) > b.size
	if short {
		p = p[:max(b.size-off, 0)]
	}
	for n < len(p) && err == nil {
		var m int
		m, err = b.readSome(p[n:], off+int64(n))
		n += m
	}
	if err == nil && short {
		err = io.EOF
	}
	return n, err
}

func (b *body) readSome(p []byte, off int64) (int, error) {
	ok, until := b.verified(off, off+int64(len(p)))
	p = p[:until-off]
	if ok {
		return len(p), readFull(spool.DiskFile{File: b.file}, p, off)
	}
	buf := buffers.Get().(*[blockLen]byte)
	defer buffers.Put(buf)
	from, err := b.block(buf, off)
	return copy(p, from), err
}

// Close closes the file.
func (b *body) Close() error { return b.file.Close() }
