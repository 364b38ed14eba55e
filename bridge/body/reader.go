package body

import "io"

// Reader reads a Body from its begin, for a request to another server. A transport may
// read, and close, after it has returned: a read after the Body's Stop and Free fails with
// ErrStopped.
type Reader struct {
	b      *Body
	off    int64
	buffer bool // the body was read by Buffer
}

// NewReader returns a reader of b. Several may be made of a body that is Repeatable.
func NewReader(b *Body) *Reader { return &Reader{b: b, buffer: b.buffer != nil} }

func (r *Reader) Read(p []byte) (int, error) {
	if !r.buffer {
		return r.b.Read(p)
	}
	r.b.reading.Lock()
	defer r.b.reading.Unlock()
	whole := r.b.buffer
	if whole == nil {
		return 0, ErrStopped
	}
	if r.off >= whole.Size() {
		return 0, io.EOF
	}
	n, err := whole.ReadAt(p, r.off)
	r.off += int64(n)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

// Close ends a read that waits for the client. The Body itself stays its owner's.
func (r *Reader) Close() error {
	if !r.buffer {
		r.b.src.stop(false, false)
	}
	return nil
}
