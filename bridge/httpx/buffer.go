package httpx

import (
	"fmt"
	"io"
	"os"
)

// Buffer holds one request body. Its methods are for one goroutine. Close gives
// everything back, in every path.
type Buffer struct {
	spool *Spool
	block *[]byte
	n     int // octets in block
	file  *os.File
	named bool  // file has a name
	given bool  // file belongs to the app's user by now
	ram   int64 // octets of anonymous memory accounted for; -1: file is not of that kind
	held  int64 // octets that the spool has accounted for this body
	size  int64
}

// Reserve promises room for a body whose length is declared, before any of it is
// read. A body that fits into memory needs none. ErrSpoolFull comes back wrapped.
func (b *Buffer) Reserve(size int64) error {
	if size <= int64(b.spool.memory()) {
		return nil
	}
	if err := b.spool.take(size); err != nil {
		return err
	}
	b.held += size
	return nil
}

// Fill reads src to its end, at most limit octets (0: no limit). progress is
// called before every read, so that the caller can push a deadline on; nil: not.
// ErrTooLarge, ErrSpoolFull and ErrDiskFull come back wrapped; other errors are src's own.
func (b *Buffer) Fill(src io.Reader, limit int64, progress func()) error {
	block := *b.block
	for {
		if b.n == len(block) && b.n <= b.spool.memory() {
			grown := b.spool.block(max(2*(b.n-1), nextBlock))
			copy(*grown, block)
			b.spool.giveBack(b.block)
			b.block, block = grown, *grown
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
			if b.file == nil && b.n <= b.spool.memory() { // the end may come with the one more octet
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
	n := int64(len(p))
	if more := b.size - b.held; more > 0 { // what came in all, against what was promised
		if err := b.spool.take(more); err != nil {
			return err
		}
		b.held += more
	}
	if b.file == nil {
		if err := b.open(); err != nil {
			return err
		}
	}
	if b.ram >= 0 {
		if err := b.spool.takeRAM(n); err != nil {
			return err
		}
		b.ram += n
	}
	_, err := b.file.Write(p)
	return b.diskFull(err)
}

func (b *Buffer) diskFull(err error) error {
	if noSpace(err) {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return err
}

// open makes the file, mode 0600.
func (b *Buffer) open() error {
	f, err := os.CreateTemp(b.spool.Dir, bodyPrefix+"*")
	if err == nil {
		b.file, b.ram = f, -1
		if b.named = b.spool.Dir != "" && canShare; !b.named {
			unlinkOpen(f)
		}
		return nil
	}
	if noSpace(err) {
		return b.diskFull(err)
	}
	m, merr := memoryFile()
	if merr != nil {
		return fmt.Errorf("%w: %w", ErrSpoolFull, err)
	}
	b.file = m
	return nil
}

// Path is the file that holds the whole body, until Close; empty: there is none
// that another process could open.
func (b *Buffer) Path() string {
	if !b.named {
		return ""
	}
	return b.file.Name()
}

// Give has the file made the property of another user, once; our own descriptor
// goes on reading.
func (b *Buffer) Give(give func(*os.File) error) error {
	if b.given {
		return nil
	}
	err := give(b.file)
	b.given = err == nil
	return err
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
		if b.ram > 0 {
			b.spool.inRAM.Add(-b.ram)
		}
		if b.named {
			_ = os.Remove(b.file.Name())
		}
		closeUnlinked(b.file)
		b.file, b.named = nil, false
	}
	b.spool.used.Add(-b.held)
	b.held = 0
	b.spool.giveBack(b.block)
	b.block = nil
}
