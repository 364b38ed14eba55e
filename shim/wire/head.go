package wire

import (
	"encoding/binary"
	"strings"
)

// Field is one field of an answer's head.
type Field struct{ Name, Value string }

// Head is the status and the fields of an answer, in the app's order and
// spelling. It was not checked.
type Head struct {
	Status string // "200 OK"
	Fields []Field
	// Length is how many bytes the body will have, when the shim knows it from
	// what the app returned; -1: it does not.
	Length int64
	// File: the body is a file; an Exchange brings it as an event (EventFile).
	File bool
}

// Get returns the first field of that name in any spelling; empty: none.
func (h *Head) Get(name string) string {
	for i := range h.Fields {
		if len(h.Fields[i].Name) == len(name) && strings.EqualFold(h.Fields[i].Name, name) {
			return h.Fields[i].Value
		}
	}
	return ""
}

// DecodeHead parts a Head's payload. body is a part of p; the Head is not.
func DecodeHead(p []byte) (h *Head, body []byte, err error) {
	h = new(Head)
	body, err = h.Decode(p, nil)
	return h, body, err
}

// Decode fills h from a Head's payload; spare is used for the fields if it has room.
// Every request needs it, so it knows the few forms that a Head has and
// does without the library; each length is compared with the bytes left.
func (h *Head) Decode(p []byte, spare []Field) (body []byte, err error) {
	head, body, err := splitHead(p)
	if err != nil {
		return nil, err
	}
	s := scanner{text: string(head)} // one string for all: status and fields are cut out of it
	parts := s.array()
	if parts != 2 && parts != 3 {
		return nil, Errorf(head, "a Head that is not an array of two or three")
	}
	*h = Head{Status: s.bytes(), Length: -1}
	n := s.array()
	switch {
	case s.bad || n > len(s.text)-s.at: // each takes a byte at least
		return nil, Errorf(head, "a Head that is cut short")
	case n%2 != 0:
		return nil, Errorf(head, "a Head with a name and no value")
	case n/2 > MaxFields: // each takes 32 bytes here, and may take two there
		return nil, Errorf(head, "a Head with %d fields; at most %d", n/2, MaxFields)
	case n/2 <= cap(spare):
		h.Fields = spare[:n/2]
	default:
		h.Fields = make([]Field, n/2)
	}
	for i := range h.Fields {
		h.Fields[i] = Field{s.bytes(), s.bytes()}
	}
	if parts == 3 {
		h.Length = s.unsigned()
	}
	if s.bad || s.at != len(s.text) {
		return nil, Errorf(head[min(s.at, len(head)):], "a Head that is malformed, or cut short")
	}
	return body, nil
}

// scanner reads the msgpack of a Head. Once bad, it stays so, and returns zeros.
type scanner struct {
	text string
	at   int
	bad  bool
}

// size reads a big-endian number of n bytes.
func (s *scanner) size(n int) uint64 {
	if s.bad || len(s.text)-s.at < n {
		s.bad = true
		return 0
	}
	v := uint64(0)
	for _, c := range []byte(s.text[s.at : s.at+n]) {
		v = v<<8 | uint64(c)
	}
	s.at += n
	return v
}

// array returns an array's length.
func (s *scanner) array() int {
	switch c := s.size(1); {
	case c&0xf0 == 0x90:
		return int(c & 0x0f)
	case c == 0xdc:
		return int(s.size(2))
	case c == 0xdd:
		return int(s.size(4))
	}
	s.bad = true
	return 0
}

// bytes returns a bin or str.
func (s *scanner) bytes() string {
	n := uint64(0)
	switch c := s.size(1); {
	case c == 0xc4 || c == 0xd9:
		n = s.size(1)
	case c == 0xc5 || c == 0xda:
		n = s.size(2)
	case c == 0xc6 || c == 0xdb:
		n = s.size(4)
	case c&0xe0 == 0xa0:
		n = c & 0x1f
	default:
		s.bad = true
	}
	if s.bad || n > uint64(len(s.text)-s.at) {
		s.bad = true
		return ""
	}
	s.at += int(n)
	return s.text[s.at-int(n) : s.at]
}

// unsigned returns an integer that is not below 0.
func (s *scanner) unsigned() int64 {
	c := s.size(1)
	if c < 0x80 {
		return int64(c)
	}
	if c < 0xcc || c > 0xcf {
		s.bad = true
		return 0
	}
	n := s.size(1 << (c - 0xcc))
	s.bad = s.bad || n >= 1<<63
	return int64(n)
}

// AppendHead appends a Head frame; the fake worker and the vectors use it.
func AppendHead(b []byte, stream uint32, h *Head, body []byte, last bool) []byte {
	var fl Flags
	if last {
		fl = FlagEnd
	}
	p := appendBin([]byte{0, 0, 0, 0, 0x92}, h.Status)
	p = append(p, 0xdd)
	p = binary.BigEndian.AppendUint32(p, uint32(2*len(h.Fields)))
	for _, f := range h.Fields {
		p = appendBin(appendBin(p, f.Name), f.Value)
	}
	binary.BigEndian.PutUint32(p, uint32(len(p)-4))
	p = append(p, body...)
	return AppendFrame(b, Frame{Kind: KindHead, Flags: fl, Stream: stream, Payload: p})
}

// splitHead parts the payload of a Request or a Head.
func splitHead(p []byte) (head, body []byte, err error) {
	if len(p) < 4 {
		return nil, nil, Errorf(p, "a head without its length")
	}
	n := binary.BigEndian.Uint32(p)
	if n > MaxHead || uint64(n) > uint64(len(p)-4) {
		return nil, nil, Errorf(p, "a head of %d bytes in a frame of %d", n, len(p))
	}
	head, body = p[4:4+n], p[4+n:]
	if len(body) > MaxPart {
		return nil, nil, Errorf(nil, "%d bytes of body in one frame", len(body))
	}
	return head, body, nil
}
