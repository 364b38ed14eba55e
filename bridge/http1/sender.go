package http1

import (
	"net/http"
	"os"
	"sync"
	"sync/atomic"
)

const (
	// gather is how much of an answer is gathered before it is written; bytes. An answer
	// whose body fits gets a Content-Length where the handler declares none.
	gather = 4 << 10
	// copied is the size up to which a piece of a body is copied behind what is gathered:
	// above it one writev(2) sends both. Bytes.
	copied = 16 << 10
)

// sender writes the bytes of one answer to the connection.
type sender struct {
	link link
	buf  []byte // what goes out next, framed
	body []byte // what was gathered of the body, not framed
	err  error  // of the connection; nothing is written after it

	expects  atomic.Bool // the client waits for 100 Continue
	informal sync.Mutex  // held while a 1xx answer is written, and while expects is taken away
}

func (s *sender) begin(l link, expects bool) {
	s.link, s.buf, s.body, s.err = l, s.buf[:0], s.body[:0], nil
	s.expects.Store(expects)
}

// inform writes an informational answer with the fields that appendTo appends.
func (s *sender) inform(status int, appendTo func([]byte) []byte) {
	s.informal.Lock()
	defer s.informal.Unlock()
	if status == http.StatusContinue {
		s.expects.Store(false)
	}
	s.buf = append(appendTo(appendStatus(s.buf[:0], status)), crlf...)
	_, s.err = s.link.Write(s.buf)
	s.buf = s.buf[:0]
}

var continueLine = []byte("HTTP/1.1 100 Continue\r\n\r\n")

// sendContinue asks the client for its body, if it waits for that (RFC 9110 10.1.1). The
// goroutine that reads the body calls it.
func (s *sender) sendContinue() error {
	if !s.expects.Load() {
		return nil
	}
	s.informal.Lock()
	defer s.informal.Unlock()
	if !s.expects.Load() {
		return nil
	}
	_, err := s.link.Write(continueLine)
	s.expects.Store(false) // not before: the final head waits for the lock as long as this is true
	return err
}

// gathers reports whether n more bytes of body fit into what is gathered.
func (s *sender) gathers(n int) bool { return len(s.body)+n <= gather }

// chunk sends what was gathered of the body, and p behind it, as one chunk (RFC 9112 7.1).
func (s *sender) chunk(p []byte) {
	s.openChunk(len(s.body) + len(p))
	if len(p) <= copied {
		s.buf = append(append(s.buf, p...), crlf...)
		s.flush()
		return
	}
	s.send(s.buf, p)
	s.buf = append(s.buf[:0], crlf...)
	s.flush()
}

// openChunk frames a chunk of n bytes, of which those that were gathered are the first.
func (s *sender) openChunk(n int) {
	s.buf = append(appendHex(s.buf, n), crlf...)
	s.buf = append(s.buf, s.body...)
	s.body = s.body[:0]
}

// lastChunk frames what was gathered, and the end of the body.
func (s *sender) lastChunk() {
	if n := len(s.body); n > 0 {
		s.openChunk(n)
		s.buf = append(s.buf, crlf...)
	}
	s.buf = append(s.buf, "0\r\n\r\n"...)
}

// plain sends p as it is, behind what was gathered; now: it is not kept back.
func (s *sender) plain(p []byte, now bool) {
	s.unframed()
	switch {
	case len(s.buf)+len(p) <= gather && !now:
		s.buf = append(s.buf, p...)
	case len(p) <= copied:
		s.buf = append(s.buf, p...)
		s.flush()
	default:
		s.send(s.buf, p)
		s.buf = s.buf[:0]
	}
}

// unframed puts what was gathered of the body behind the head, as it is.
func (s *sender) unframed() {
	s.buf = append(s.buf, s.body...)
	s.body = s.body[:0]
}

// file sends n bytes of f from off on behind what was gathered, and returns how many of them
// went out.
func (s *sender) file(f *os.File, off, n int64) (int64, error) {
	s.unframed()
	s.tooLate()
	before := int64(len(s.buf))
	sent, err := s.link.SendFile(s.buf, f, off, n)
	s.buf = s.buf[:0]
	if _, ofFile := err.(*os.PathError); err != nil && !ofFile {
		s.err = err
	}
	return max(sent-before, 0), err
}

func (s *sender) flush() {
	if len(s.buf) > 0 {
		s.send(s.buf, nil)
	}
	s.buf = s.buf[:0]
}

// send writes a and b, in one call where the connection can.
func (s *sender) send(a, b []byte) {
	if s.err != nil {
		return
	}
	s.tooLate()
	if len(b) == 0 {
		_, s.err = s.link.Write(a)
	} else {
		_, s.err = s.link.WriteParts(a, b)
	}
}

// tooLate: the final answer goes out, so 100 Continue does not.
func (s *sender) tooLate() {
	if s.expects.Load() {
		s.informal.Lock()
		s.expects.Store(false)
		s.informal.Unlock()
	}
}
