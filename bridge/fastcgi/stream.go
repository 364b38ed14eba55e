package fastcgi

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/standpipe/standpipe/bridge/cgi"
)

// maxIgnored bounds the records of one response that carry nothing for the request: those of the
// connection, and of types that are not known.
const maxIgnored = 256

// stream reads the records of one response: STDOUT is what Read returns, STDERR goes to errors.
// It takes no memory beside its buffer, whatever the records say of their sizes.
type stream struct {
	br     *bufio.Reader
	errors sink

	left    int  // bytes of the record's content that were not read
	padding int  // behind them
	closed  bool // STDOUT has ended
	ignored int

	ended  bool   // END_REQUEST came
	status uint32 // the application's own, of END_REQUEST
}

// sink gets what the request prints to STDERR: parts of it, which are valid during the call;
// flush comes before a part of STDOUT.
type sink interface {
	add(p []byte)
	flush()
}

// Overloaded: the server takes no further request.
type Overloaded struct{}

func (*Overloaded) Error() string { return "the upstream is overloaded (FCGI_OVERLOADED)" }

// HTTPStatus is the answer to such a request.
func (*Overloaded) HTTPStatus() int { return http.StatusServiceUnavailable }

// NotTaken is for upstream.NotTaken: the server has not begun with the request.
func (*Overloaded) NotTaken() bool { return true }

// Read reads STDOUT. io.EOF: the response is complete. A connection that ends before is
// io.ErrUnexpectedEOF, as a response that is cut off must not look complete.
func (s *stream) Read(p []byte) (int, error) {
	for s.left == 0 {
		if s.ended {
			return 0, io.EOF
		}
		if err := s.next(); err != nil {
			return 0, whole(err)
		}
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := s.br.Read(p[:min(len(p), s.left)])
	s.left -= n
	return n, whole(err)
}

// whole says of a connection's end that it came too early.
func whole(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// next goes to the next record with content of STDOUT, or to the end of the request.
func (s *stream) next() error {
	if err := s.discard(s.padding); err != nil {
		return err
	}
	s.padding = 0
	p, err := s.br.Peek(headerSize)
	if err != nil {
		return err
	}
	h, err := parseHeader(p)
	if err != nil {
		return err
	}
	_, _ = s.br.Discard(headerSize) // it was peeked at
	s.padding = h.padding
	switch {
	case h.id == 0:
		return s.skip(h)
	case h.id != requestID:
		return cgi.Bad("a record is for request %d, which was not sent", h.id)
	}
	switch h.kind {
	case typeStdout:
		if s.closed {
			return cgi.Bad("its STDOUT goes on behind its end")
		}
		if s.left, s.closed = h.length, h.length == 0; !s.closed {
			s.errors.flush()
		}
		return nil
	case typeStderr:
		return s.toErrors(h.length)
	case typeEnd:
		return s.end(h)
	case typeBegin, typeParams, typeStdin:
		return cgi.Bad("a record of type %d comes from clients only", h.kind)
	}
	return s.skip(h)
}

// skip passes over a record that says nothing about the request.
func (s *stream) skip(h header) error {
	if s.ignored++; s.ignored > maxIgnored {
		return cgi.Bad("more than %d records carry nothing for the request", maxIgnored)
	}
	return s.discard(h.length)
}

func (s *stream) discard(n int) error {
	_, err := s.br.Discard(n)
	return err
}

func (s *stream) toErrors(n int) error {
	for n > 0 {
		if _, err := s.br.Peek(1); err != nil {
			return err
		}
		p, _ := s.br.Peek(min(n, s.br.Buffered())) // it is buffered
		s.errors.add(p)
		n -= len(p)
		_, _ = s.br.Discard(len(p))
	}
	return nil
}

// end reads END_REQUEST.
func (s *stream) end(h header) error {
	if h.length != endSize {
		return cgi.Bad("its END_REQUEST has %d bytes", h.length)
	}
	p, err := s.br.Peek(endSize)
	if err != nil {
		return err
	}
	s.status = binary.BigEndian.Uint32(p)
	protocol := p[4]
	_, _ = s.br.Discard(endSize)
	switch protocol {
	case complete:
	case overloaded:
		return &Overloaded{}
	case cannotMix, unknownRole:
		return cgi.Bad("the upstream refuses the request: %s", map[byte]string{cannotMix: "FCGI_CANT_MPX_CONN", unknownRole: "FCGI_UNKNOWN_ROLE"}[protocol])
	default:
		return cgi.Bad("the status %d of its END_REQUEST is not known", protocol)
	}
	s.ended = true
	return s.discard(s.takePadding())
}

func (s *stream) takePadding() int {
	n := s.padding
	s.padding = 0
	return n
}

// rest counts the bytes of STDOUT that are left, if all records of the response have come
// already. It reads nothing.
func (s *stream) rest() (n int, ok bool) {
	p, _ := s.br.Peek(s.br.Buffered()) // it is buffered
	n = s.left
	for off := s.left + s.padding; off+headerSize <= len(p); {
		h, err := parseHeader(p[off:])
		off += headerSize + h.length + h.padding
		switch {
		case err != nil || h.id != requestID || off > len(p):
			return 0, false
		case h.kind == typeEnd:
			return n, true
		case h.kind == typeStdout:
			n += h.length
		}
	}
	return 0, false
}

// drained reports whether the response has ended and nothing follows: the connection can
// carry another request.
func (s *stream) drained() bool { return s.ended && s.br.Buffered() == 0 }

var errTooLong = errors.New("the upstream's response goes on behind its declared length")

// finish passes over the rest of a response that is not wanted, at most limit bytes of it.
func (s *stream) finish(limit int) error {
	for n := 0; ; {
		for s.left == 0 {
			if s.ended {
				return nil
			}
			if err := s.next(); err != nil {
				return whole(err)
			}
		}
		if n += s.left; n > limit {
			return fmt.Errorf("%w by more than %d bytes", errTooLong, limit)
		}
		if err := s.discard(s.left); err != nil {
			return whole(err)
		}
		s.left = 0
	}
}
