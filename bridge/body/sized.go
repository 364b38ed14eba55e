package body

import "io"

// Sized reads a body of known length from a connection, for a server that reads its
// requests itself.
type Sized struct {
	conn     io.Reader
	buffered []byte // came with the head of the request
	left     int64
	complete func()
}

// NewSized returns the body of length bytes, of which buffered are the first. complete is
// called when the body was read to its end.
func NewSized(conn io.Reader, buffered []byte, length int64, complete func()) *Sized {
	return &Sized{conn: conn, buffered: buffered, left: length, complete: complete}
}

// Left is how many bytes were not read.
func (s *Sized) Left() int64 { return s.left }

// Read reads up to the end of the body. A connection that ends before is
// io.ErrUnexpectedEOF.
func (s *Sized) Read(p []byte) (n int, err error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > s.left {
		p = p[:s.left]
	}
	if len(s.buffered) > 0 {
		n = copy(p, s.buffered)
		s.buffered = s.buffered[n:]
	} else if n, err = s.conn.Read(p); err == io.EOF && int64(n) < s.left {
		err = io.ErrUnexpectedEOF
	}
	if s.left -= int64(n); s.left == 0 {
		s.complete()
		return n, io.EOF
	}
	return n, err
}

// Close leaves the rest to the connection, which lingers.
func (s *Sized) Close() error { return nil }
