package overh2

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http2/hpack"
)

// stream is a request under way. link.mu guards it.
type stream struct {
	link   *link
	id     uint32
	method string
	room   int64 // that the server gives for the body

	begun   bool  // a final head is here
	bare    bool  // the answer has no body
	chunked bool  // it has no Content-Length
	length  int64 // Content-Length; -1: none
	got     int64
	over    bool // the server has ended the stream
	sent    bool // the request is sent, or no longer wanted
	err     error
}

// emit gives a part of the answer to the test.
func (s *stream) emit(text string) { _, _ = s.link.conn.out.write([]byte(text), false) }

// head takes fields of the answer.
func (s *stream) head(fields []hpack.HeaderField, end bool) {
	if s.begun {
		s.trailers(fields, end)
		return
	}
	c := s.link.conn
	if len(fields) == 0 || fields[0].Name != ":status" {
		c.complain("an answer without a status: %v", fields)
		s.reset(protocolError)
		return
	}
	status, _ := strconv.Atoi(fields[0].Value)
	var out strings.Builder
	fmt.Fprintf(&out, "HTTP/1.1 %s %s\r\n", fields[0].Value, http.StatusText(status))
	for _, f := range fields[1:] {
		switch f.Name {
		case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
			c.complain("a field of the connection in an answer: %v", f)
		case "content-length":
			n, err := strconv.ParseInt(f.Value, 10, 64)
			if err != nil || s.length >= 0 {
				c.complain("Content-Length is %q, and was %d", f.Value, s.length)
			}
			if status >= 200 {
				s.length = n
			}
		}
		if f.Name != strings.ToLower(f.Name) || strings.HasPrefix(f.Name, ":") {
			c.complain("a field's name in an answer: %q", f.Name)
		}
		fmt.Fprintf(&out, "%s: %s\r\n", f.Name, f.Value)
	}
	if status >= 200 {
		s.begun = true
		s.bare = s.method == "HEAD" || status == 204 || status == 304
		s.chunked = !s.bare && s.length < 0
	}
	if s.chunked {
		out.WriteString("transfer-encoding: chunked\r\n")
	}
	s.emit(out.String() + "\r\n")
	if end {
		s.end("")
	}
}

// data takes a part of the answer's body.
func (s *stream) data(p []byte, end bool) {
	c := s.link.conn
	s.got += int64(len(p))
	switch {
	case !s.begun || s.over:
		c.complain("DATA where none may be")
	case len(p) > 0 && s.bare:
		c.complain("%q in the answer to %s, which has no body", p, s.method)
	case s.length >= 0 && s.got > s.length:
		c.complain("%d bytes, and Content-Length is %d", s.got, s.length)
	case len(p) > 0 && s.chunked:
		s.emit(fmt.Sprintf("%x\r\n%s\r\n", len(p), p))
	case len(p) > 0:
		s.emit(string(p))
	}
	if end {
		s.end("")
	}
}

func (s *stream) trailers(fields []hpack.HeaderField, end bool) {
	var text strings.Builder
	for _, f := range fields {
		fmt.Fprintf(&text, "%s: %s\r\n", f.Name, f.Value)
	}
	if !end || s.over {
		s.link.conn.complain("a second head: %v", fields)
	}
	s.end(text.String())
}

// end is END_STREAM.
func (s *stream) end(trailers string) {
	if s.over {
		return
	}
	s.over = true
	if !s.begun {
		s.link.conn.complain("the stream ends without an answer")
	}
	if !s.bare && s.length >= 0 && s.got < s.length {
		s.link.conn.complain("the body ends after %d bytes, and Content-Length is %d", s.got, s.length)
	}
	if s.chunked {
		s.emit("0\r\n" + trailers + "\r\n")
	}
}

// reset is RST_STREAM. After the answer's end, the server does not want the rest of the request.
func (s *stream) reset(code uint32) {
	if !s.over && code == noError {
		s.link.conn.complain("RST_STREAM without an error, before the answer's end")
	}
	if !s.over {
		s.err = errReset(code)
	}
	s.over, s.sent = true, true
}

// send sends a part of the body, as the server gives room. What the server does not want is dropped.
func (s *stream) send(p []byte, last bool) error {
	l := s.link
	for len(p) > 0 {
		l.mu.Lock()
		for l.err == nil && !s.sent && min(s.room, l.room) <= 0 {
			l.wait()
		}
		if s.sent || l.err != nil {
			err := s.err
			if err == nil {
				err = l.err
			}
			l.mu.Unlock()
			return err
		}
		n := int(min(int64(len(p)), s.room, l.room, int64(l.maxFrame)))
		s.room -= int64(n)
		l.room -= int64(n)
		end := last && n == len(p)
		if end {
			s.sent = true
		}
		l.mu.Unlock()
		flags := byte(0)
		if end {
			flags = endStream
		}
		l.send(dataFrame, flags, s.id, string(p[:n]))
		p = p[n:]
	}
	return nil
}

// finish ends a body whose length was not known.
func (s *stream) finish(trailers [][2]string) error {
	l := s.link
	l.mu.Lock()
	done := s.sent
	s.sent = true
	l.mu.Unlock()
	switch {
	case done:
	case len(trailers) > 0:
		l.sendFields(s.id, trailers, true)
	default:
		l.send(dataFrame, endStream, s.id, "")
	}
	return nil
}

// wait waits for the end of the answer.
func (s *stream) wait() error {
	l := s.link
	l.mu.Lock()
	defer l.mu.Unlock()
	for !s.over && l.err == nil {
		l.wait()
	}
	switch {
	case s.err != nil:
		return s.err
	case s.over:
		return nil
	}
	if l.err == nil {
		return io.EOF
	}
	return l.err
}
