package httpx

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
)

var (
	// ErrTooLarge: more octets came than the body's limit allows.
	ErrTooLarge = errors.New("the request body is larger than max_body")
	// ErrSpoolFull: the body has no room: the total of the spool is used up, or
	// the file system is full.
	ErrSpoolFull = errors.New("no room for the request body")
)

// memfdCeiling bounds the bodies held in anonymous memory files when no folder
// can be written; octets in all.
const memfdCeiling = 256 << 20

// Spool is where request bodies wait for a worker: first in memory, then in a
// file. One Spool serves all apps that share a folder. Its fields are set before
// the first use.
type Spool struct {
	// Dir is the folder for large bodies; empty: $TMPDIR or the system's. When
	// nothing can be created there, Linux takes anonymous memory instead, at most
	// 256 MiB in all.
	Dir string
	// Memory is how many octets of one body stay in memory; 0: 64 KiB.
	Memory int
	// Total bounds the octets in files of all bodies together; 0: no limit.
	Total int64

	used   atomic.Int64 // octets in files
	inRAM  atomic.Int64 // those of them that are in anonymous memory
	blocks sync.Pool    // *[]byte of firstBlock octets
}

// firstBlock is what a body is given at first; octets. It doubles up to Memory.
const firstBlock = 64 << 10

func (s *Spool) memory() int {
	if s.Memory == 0 {
		return 64 << 10
	}
	return s.Memory
}

// Used is how many octets are in files now.
func (s *Spool) Used() int64 { return s.used.Load() }

// Buffer holds one request body. Its methods are for one goroutine. Close gives
// everything back, in every path.
type Buffer struct {
	spool *Spool
	block *[]byte
	n     int // octets in block
	file  *os.File
	ram   bool // file is anonymous memory
	size  int64
}

// Take returns an empty Buffer.
func (s *Spool) Take() *Buffer {
	block, ok := s.blocks.Get().(*[]byte)
	if !ok {
		b := make([]byte, min(s.memory(), firstBlock)+1) // the one more octet tells a full body from one that goes on
		block = &b
	}
	return &Buffer{spool: s, block: block}
}

// Fill reads src to its end, at most limit octets (0: no limit). progress is
// called before every read, so that the caller can push a deadline on; nil: not.
// ErrTooLarge and ErrSpoolFull come back wrapped; other errors are src's own.
func (b *Buffer) Fill(src io.Reader, limit int64, progress func()) error {
	block := *b.block
	for {
		if b.n == len(block) && b.n <= b.spool.memory() {
			grown := make([]byte, min(2*len(block), b.spool.memory()+1))
			copy(grown, block)
			block = grown
			b.block = &block
		}
		if b.n == len(block) {
			if err := b.spill(block); err != nil {
				return err
			}
			b.n = 0
		}
		if progress != nil {
			progress()
		}
		n, err := src.Read(block[b.n:])
		b.n += n
		b.size += int64(n)
		if limit > 0 && b.size > limit {
			return fmt.Errorf("%w (%d octets)", ErrTooLarge, limit)
		}
		if err == io.EOF {
			if b.file == nil {
				return nil
			}
			err := b.spill(block[:b.n])
			b.n = 0
			return err
		}
		if err != nil {
			return err
		}
	}
}

// spill puts p into the file, and makes the file first.
func (b *Buffer) spill(p []byte) error {
	s := b.spool
	n := int64(len(p))
	if used := s.used.Add(n); s.Total > 0 && used > s.Total {
		s.used.Add(-n)
		return fmt.Errorf("%w: spool_total is %d octets", ErrSpoolFull, s.Total)
	}
	if b.file == nil {
		if err := b.open(); err != nil {
			s.used.Add(-n)
			return err
		}
	}
	if b.ram && s.inRAM.Add(n) > memfdCeiling {
		s.inRAM.Add(-n)
		s.used.Add(-n)
		return fmt.Errorf("%w: no folder can be written, and %d MiB are in memory", ErrSpoolFull, memfdCeiling>>20)
	}
	written, err := b.file.Write(p)
	if rest := n - int64(written); rest > 0 { // Close gives back what was written
		s.used.Add(-rest)
		if b.ram {
			s.inRAM.Add(-rest)
		}
	}
	if noSpace(err) {
		return fmt.Errorf("%w: %w", ErrSpoolFull, err)
	}
	return err
}

// open makes the file. It has no name any more (or is removed by Close, where a
// system cannot do that), and mode 0600.
func (b *Buffer) open() error {
	f, err := os.CreateTemp(b.spool.Dir, "standpipe-body-*")
	if err != nil {
		if m, merr := memoryFile(); merr == nil {
			b.file, b.ram = m, true
			return nil
		}
		return fmt.Errorf("%w: %w", ErrSpoolFull, err)
	}
	unlinkOpen(f)
	b.file = f
	return nil
}

// Size is how many octets the body has.
func (b *Buffer) Size() int64 { return b.size }

// Memory returns the whole body when it is in memory, valid until Close.
func (b *Buffer) Memory() ([]byte, bool) {
	if b.file != nil {
		return nil, false
	}
	return (*b.block)[:b.n], true
}

// ReadAt reads from the body at off, as io.ReaderAt does: the same body may be
// sent to a second worker when the first has left.
func (b *Buffer) ReadAt(p []byte, off int64) (int, error) {
	if b.file != nil {
		return b.file.ReadAt(p, off)
	}
	if off >= int64(b.n) {
		return 0, io.EOF
	}
	n := copy(p, (*b.block)[off:b.n])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Close frees memory and file. A second Close does nothing.
func (b *Buffer) Close() {
	if b.block == nil {
		return
	}
	if b.file != nil {
		kept := b.size - int64(b.n) // octets of the file
		if st, err := b.file.Stat(); err == nil {
			kept = st.Size()
		}
		b.spool.used.Add(-kept)
		if b.ram {
			b.spool.inRAM.Add(-kept)
		}
		closeUnlinked(b.file)
		b.file = nil
	}
	if len(*b.block) <= firstBlock+1 {
		b.spool.blocks.Put(b.block)
	}
	b.block = nil
}
