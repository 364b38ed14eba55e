package spool

import (
	"fmt"
	"io"
	"net/netip"
	"os"
)

// Buffer holds one request body. Its methods are for one goroutine. Close must be called.
type Buffer struct {
	spool   *Spool
	client  netip.Prefix // whose share it is of
	block   *[]byte
	n       int // bytes in block
	file    *os.File
	named   bool  // file has a name
	given   bool  // file belongs to the app's user
	ram     int64 // bytes of anonymous memory accounted for; -1: file is not of that kind
	charged int64 // bytes of the Budget
	size    int64
}

// Fits returns an error, which wraps ErrFull, when there is no room now for a body of that
// declared length, before any of it is read. It reserves nothing: a client that declares a
// length and does not send blocks no other one. It waits for room as TakeSoon does. A body that fits into memory, or of unknown
// length (-1), always fits.
func (b *Buffer) Fits(size int64) error {
	if size <= int64(b.spool.memory()) {
		return nil
	}
	return b.spool.Files.FitsSoon(b.client, size)
}

// Fill reads src to its end. ErrFull and ErrDiskFull come back wrapped; other errors are
// src's own.
func (b *Buffer) Fill(src io.Reader) error {
	block := *b.block
	for {
		if b.n == len(block) && b.n <= b.spool.memory() && b.file == nil {
			if grown := b.grown(); grown != nil {
				copy(*grown, block)
				b.spool.giveBack(b.block)
				b.block, block = grown, *grown
			}
		}
		if b.n == len(block) {
			if err := b.spill(block); err != nil {
				return err
			}
			b.n = 0
		}
		n, err := src.Read(block[b.n:])
		b.n += n
		b.size += int64(n)
		if err == io.EOF {
			if b.file == nil && b.n <= b.spool.memory() { // the end may come with the extra byte
				return nil
			}
			if b.n == 0 {
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

// grown is a larger block, or nil when memory is short: then the file is used.
func (b *Buffer) grown() *[]byte {
	have := len(*b.block)
	want := min(max(2*(have-1), nextBlock), b.spool.memory()) + 1
	if !b.spool.grow(have, want) {
		return nil
	}
	return b.spool.block(want - 1)
}

// spill writes p to the file, and makes the file first.
func (b *Buffer) spill(p []byte) error {
	n := int64(len(p))
	if more := b.size - b.charged; more > 0 {
		if err := b.spool.Files.TakeSoon(b.client, more); err != nil {
			return err
		}
		b.charged += more
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
	done := Disk()
	_, err := b.file.Write(p)
	done()
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
	f, err := b.spool.create(bodyPrefix + "*")
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
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	b.file = m
	return nil
}

// Path is the file that holds the whole body, until Close; empty: there is no file that another
// process can open.
func (b *Buffer) Path() string {
	if !b.named {
		return ""
	}
	return b.file.Name()
}

// Give makes another user the owner of the file, once; our own descriptor stays readable.
func (b *Buffer) Give(give func(*os.File) error) error {
	if b.given {
		return nil
	}
	err := give(b.file)
	b.given = err == nil
	return err
}

// Size is how many bytes the body has.
func (b *Buffer) Size() int64 { return b.size }

// Memory returns the whole body when it is in memory, valid until Close.
func (b *Buffer) Memory() ([]byte, bool) {
	if b.file != nil {
		return nil, false
	}
	return (*b.block)[:b.n], true
}

// ReadAt reads from the body at off, as io.ReaderAt does: the same body may be sent to a second
// worker when the first one has exited.
func (b *Buffer) ReadAt(p []byte, off int64) (int, error) {
	if b.file != nil {
		defer Disk()()
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
	b.spool.Files.Give(b.client, b.charged)
	b.charged = 0
	b.spool.shrink(len(*b.block))
	b.spool.giveBack(b.block)
	b.block = nil
}
