package wire

import (
	"io"
)

// Reader takes frames off a stream of bytes.
type Reader struct {
	r      io.Reader
	block  *Block
	buf    []byte // of block
	lo, hi int    // buf[lo:hi] has been read and not been taken
}

// readSize is how much is read when no more has been announced; bytes. A Head with
// 64 KiB of body fits.
const readSize = 68 << 10

// NewReader returns a reader of frames from r.
func NewReader(r io.Reader) *Reader { return newReader(r, newBlock(readSize)) }

// NewReaderSize is NewReader with a first buffer of n bytes, for a pipe that is idle nearly always.
func NewReaderSize(r io.Reader, n int) *Reader {
	b := make(Block, n)
	return newReader(r, &b)
}

func newReader(r io.Reader, b *Block) *Reader { return &Reader{r: r, block: b, buf: *b} }

// Next returns the next frame. Its payload is valid until the following call.
// It returns io.EOF at the end between two frames, io.ErrUnexpectedEOF inside
// one, a *ProtocolError, or r's error; after an error only errors follow.
func (fr *Reader) Next() (Frame, error) {
	if err := fr.fill(HeaderSize); err != nil {
		return Frame{}, err
	}
	f, n, err := ParseHeader(fr.buf[fr.lo:fr.hi])
	if err != nil {
		// Show what follows as well, as far as it is here.
		pe := err.(*ProtocolError)
		pe.Saw = append(pe.Saw[:0], fr.buf[fr.lo:min(fr.hi, fr.lo+64)]...)
		return Frame{}, pe
	}
	if err := fr.fill(HeaderSize + n); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return Frame{}, err
	}
	f.Payload = fr.buf[fr.lo+HeaderSize : fr.lo+HeaderSize+n]
	fr.lo += HeaderSize + n
	return f, nil
}

// fill makes sure that n bytes are at hand. n is bounded by the ceilings, so a
// large buffer is made only for a frame that was announced within them.
func (fr *Reader) fill(n int) error {
	if fr.hi-fr.lo >= n {
		return nil
	}
	if fr.lo == fr.hi {
		fr.lo, fr.hi = 0, 0
	}
	if fr.lo+n > len(fr.buf) {
		switch {
		case n > len(fr.buf):
			fr.move(newBlock(n)).Free()
		case len(fr.buf) > readSize && n <= readSize:
			fr.move(newBlock(readSize)).Free() // a large frame has passed: give its memory back
		default:
			fr.hi = copy(fr.buf, fr.buf[fr.lo:fr.hi])
			fr.lo = 0
		}
	}
	end := min(fr.lo+max(n, readSize), len(fr.buf)) // a large frame is read to its own end: what lies behind it would have to move
	for empty := 0; fr.hi-fr.lo < n; {
		m, err := fr.r.Read(fr.buf[fr.hi:end])
		fr.hi += m
		if fr.hi-fr.lo >= n {
			return nil
		}
		if err != nil {
			if err == io.EOF && fr.hi > fr.lo {
				return io.ErrUnexpectedEOF
			}
			return err
		}
		if m > 0 {
			empty = 0
		} else if empty++; empty > 100 {
			return io.ErrNoProgress
		}
	}
	return nil
}

// move continues in another block, with what has not been taken, and returns the one
// that it was in.
func (fr *Reader) move(to *Block) *Block {
	from := fr.block
	fr.hi = copy(*to, fr.buf[fr.lo:fr.hi])
	fr.lo, fr.block, fr.buf = 0, to, *to
	return from
}

// Keep gives the block with the last payload away, of which n bytes are wanted. nil:
// they are too few for so much memory, and have to be copied.
func (fr *Reader) Keep(n int) *Block {
	if n < len(fr.buf)/2 {
		return nil
	}
	return fr.move(newBlock(len(fr.buf)))
}
