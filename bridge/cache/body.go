package cache

import (
	"io"
	"os"

	"github.com/standpipe/standpipe/bridge/spool"
)

// Body is the content of an Answer: bytes in memory, or a part of an open file. The zero Body is
// empty.
type Body struct {
	bytes     []byte
	file      *os.File
	off, size int64
}

// BytesBody is a Body in memory. p must not be changed any more.
func BytesBody(p []byte) Body { return Body{bytes: p, size: int64(len(p))} }

// FileBody is size bytes of f from off on. The Body owns f, whose position is not used.
func FileBody(f *os.File, off, size int64) Body { return Body{file: f, off: off, size: size} }

// Size is how many bytes it has.
func (b *Body) Size() int64 { return b.size }

// Memory returns the bytes, when they are in memory.
func (b *Body) Memory() ([]byte, bool) { return b.bytes, b.file == nil }

// File is the open file, and where in it the Body begins; nil: it is in memory.
func (b *Body) File() (f *os.File, off int64) { return b.file, b.off }

// ReadAt is io.ReaderAt's.
func (b *Body) ReadAt(p []byte, off int64) (n int, err error) {
	if off >= b.size {
		return 0, io.EOF
	}
	short := int64(len(p)) > b.size-off
	if short {
		p = p[:b.size-off]
	}
	if b.file == nil {
		n = copy(p, b.bytes[off:])
	} else if n, err = (spool.DiskFile{File: b.file}).ReadAt(p, b.off+off); n == len(p) {
		err = nil
	}
	if err == nil && short {
		err = io.EOF
	}
	return n, err
}

// NewReader reads it from its beginning.
func (b *Body) NewReader() io.Reader { return io.NewSectionReader(b, 0, b.size) }

// Close closes the file, if there is one.
func (b *Body) Close() {
	if b.file != nil {
		b.file.Close()
	}
}
