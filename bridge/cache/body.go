package cache

import (
	"fmt"
	"io"
	"os"

	"github.com/standpipe/standpipe/bridge/content"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/spool"
)

// Body is the content of an Answer: bytes in memory, a part of an open file, or a Stored one of a
// Tier. The zero Body is empty.
type Body struct {
	bytes     []byte
	file      *os.File
	stored    Stored
	off, size int64
}

// Stored is a Body that a Tier has found and opened, for one reader at a time. It verifies what it
// gives away.
type Stored interface {
	io.ReaderAt
	// SendTo sends the span s, by sendfile(2) where it can. Errors are as those of content.File.
	SendTo(w Destination, s content.Span) (sent int64, err error)
	Close() error
}

// Destination is where a Body is sent to: a *httpx.Writer.
type Destination interface {
	io.Writer
	io.ReaderFrom
}

// BytesBody is a Body in memory. p must not be changed any more.
func BytesBody(p []byte) Body { return Body{bytes: p, size: int64(len(p))} }

// FileBody is size bytes of f from off on. The Body owns f, whose position is not used.
func FileBody(f *os.File, off, size int64) Body { return Body{file: f, off: off, size: size} }

// StoredBody is size bytes of a Tier. The Body owns s.
func StoredBody(s Stored, size int64) Body { return Body{stored: s, size: size} }

// Size is how many bytes it has.
func (b *Body) Size() int64 { return b.size }

// Memory returns the bytes, when they are in memory.
func (b *Body) Memory() ([]byte, bool) { return b.bytes, b.file == nil && b.stored == nil }

// File is the open file, and where in it the Body begins; nil: it is in memory, or a Tier's.
func (b *Body) File() (f *os.File, off int64) { return b.file, b.off }

// Stored is what a Tier has opened; nil: it is no Body of a Tier.
func (b *Body) Stored() Stored { return b.stored }

// SendTo sends the span s. A Stored one goes out by sendfile(2), where the connection can. The error
// is httpx.ErrClientGone, or that of a file, which may have become shorter or be damaged.
func (b *Body) SendTo(w Destination, s content.Span) (sent int64, err error) {
	switch {
	case b.stored != nil:
		return b.stored.SendTo(w, s)
	case b.file != nil: // several readers
		return content.File{File: b.file, Offset: b.off, SharedPosition: true}.SendTo(w, s)
	}
	n, err := w.Write(b.bytes[s.Start : s.Start+s.Length])
	if err != nil {
		err = fmt.Errorf("%w: %w", httpx.ErrClientGone, err)
	}
	return int64(n), err
}

// ReadAt is io.ReaderAt's.
func (b *Body) ReadAt(p []byte, off int64) (n int, err error) {
	if off >= b.size {
		return 0, io.EOF
	}
	short := int64(len(p)) > b.size-off
	if short {
		p = p[:b.size-off]
	}
	switch {
	case b.stored != nil:
		n, err = b.stored.ReadAt(p, off)
	case b.file != nil:
		n, err = (spool.DiskFile{File: b.file}).ReadAt(p, b.off+off)
	default:
		n = copy(p, b.bytes[off:])
	}
	if n == len(p) {
		err = nil
	}
	if err == nil && short {
		err = io.EOF
	}
	return n, err
}

// takeIn reads a Stored Body into memory, where it can be served from without the Tier. After an error
// it is closed.
func (b *Body) takeIn() error {
	if b.stored == nil {
		return nil
	}
	p := make([]byte, b.size)
	n, err := b.ReadAt(p, 0)
	b.Close()
	if int64(n) < b.size {
		return fmt.Errorf("%d of %d bytes of a stored body: %w", n, b.size, err)
	}
	*b = BytesBody(p)
	return nil
}

// NewReader reads it from its beginning.
func (b *Body) NewReader() io.Reader { return io.NewSectionReader(b, 0, b.size) }

// Close closes the file, if there is one.
func (b *Body) Close() {
	if b.file != nil {
		b.file.Close()
	}
	if b.stored != nil {
		b.stored.Close()
	}
}
