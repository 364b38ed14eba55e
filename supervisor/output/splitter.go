package output

import (
	"bytes"
	"slices"
	"time"
)

const (
	// maxGroups bounds the requests whose records are put together at a time.
	maxGroups = 64
	maxID     = 128
	tagEnd    = 0x1e
)

// splitter splits a worker's output by request. A tag (shim/PROTOCOL.md, "Tags") names the request of the bytes up to the end of
// the line; bytes without a tag are raw. The output is hostile: anything that is not a tag with the right secret is text.
type splitter struct {
	record func(id, level, text string)
	prefix []byte // of every tag; empty: there are none

	now       tag    // of the bytes until the line ends; the zero value: raw
	pending   []byte // the start of a possible tag
	pendingAt time.Time
	groups    []*group // those with something pending; the longest quiet first
}

// tag is the content of a tag: the id of the request, and the level that logging gave the line
// (debug, info, warn, error). Either may be empty. more: the line continues the record before it.
type tag struct {
	id, level string
	more      bool
}

// levels are the letters of a tag; a small letter marks a line that continues a record.
var levels = map[byte]string{'D': "debug", 'I': "info", 'W': "warn", 'E': "error", 'd': "debug", 'i': "info", 'w': "warn", 'e': "error"}

// group is the output of one request, or raw output.
type group struct {
	grouper
	raw   bool
	tag   string // the id in the tags of its lines; of a raw one: empty
	level string // of the record under way
	last  time.Time
}

func newSplitter(tag string, record func(id, level, text string)) *splitter {
	s := &splitter{record: record}
	if tag != "" {
		s.prefix = []byte("\x1e" + tag + ":")
	}
	return s
}

// write takes bytes that were read at the time at; sole is the request of bytes without a tag.
func (s *splitter) write(p []byte, sole string, at time.Time) {
	if len(s.pending) > 0 {
		p = append(s.pending, p...)
		s.pending = nil
	}
	for len(p) > 0 {
		if len(s.prefix) > 0 && p[0] == s.prefix[0] {
			t, n, more := s.tag(p)
			if more {
				s.pending, s.pendingAt = append([]byte(nil), p...), at
				return
			}
			if n > 0 {
				s.now = t
				p = p[n:]
				continue
			}
		}
		n, ends := bytes.IndexByte(p, '\n')+1, true
		if n == 0 {
			n, ends = len(p), false
		}
		if len(s.prefix) > 0 {
			if i := bytes.IndexByte(p[1:n], s.prefix[0]); i >= 0 {
				n, ends = 1+i, false
			}
		}
		s.open(sole, at).write(p[:n])
		if ends {
			s.now = tag{}
		}
		p = p[n:]
	}
}

// tag reads a tag at the start of p, which is n bytes long; 0: there is none. more: there may be one when more bytes have come.
func (s *splitter) tag(p []byte) (t tag, n int, more bool) {
	if len(p) < len(s.prefix) {
		return tag{}, 0, bytes.HasPrefix(s.prefix, p)
	}
	if !bytes.HasPrefix(p, s.prefix) {
		return tag{}, 0, false
	}
	p = p[len(s.prefix):]
	for i, c := range p {
		switch {
		case c == tagEnd:
			return tag{id: string(p[:i])}, len(s.prefix) + i + 1, false
		case c == '!': // a letter and the end follow
			if len(p) < i+3 {
				return tag{}, 0, len(p) < i+2 || levels[p[i+1]] != ""
			}
			if l := levels[p[i+1]]; l != "" && p[i+2] == tagEnd {
				return tag{string(p[:i]), l, p[i+1] >= 'a'}, len(s.prefix) + i + 3, false
			}
			return tag{}, 0, false
		case i == maxID, (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '.' && c != '_' && c != '-':
			return tag{}, 0, false
		}
	}
	return tag{}, 0, true
}

// open returns the group that the next bytes belong to.
func (s *splitter) open(sole string, at time.Time) *group {
	raw := s.now == tag{}
	i := len(s.groups) - 1
	for i >= 0 && (s.groups[i].raw != raw || !raw && s.groups[i].tag != s.now.id) {
		i--
	}
	var g *group
	switch {
	case i < 0:
		if len(s.groups) == maxGroups {
			s.groups[0].flush()
			s.groups = slices.Delete(s.groups, 0, 1)
		}
		g = &group{raw: raw, tag: s.now.id, level: s.now.level}
		g.record = func(id, text string) { s.record(id, g.level, text) }
		s.groups = append(s.groups, g)
	case i < len(s.groups)-1:
		g = s.groups[i]
		s.groups = append(slices.Delete(s.groups, i, i+1), g)
	default:
		g = s.groups[i]
	}
	g.last = at
	if g.level != s.now.level { // lines of two levels are not one record
		g.emit()
		g.level = s.now.level
	}
	id := s.now.id
	if raw {
		id = sole
	}
	switch {
	case len(g.line) == 0:
		g.more, g.lineID = s.now.more, id
	case g.lineID != id: // a line that two may have written belongs to none
		g.lineID = ""
	}
	return g
}

// due returns when flush has something to do; zero: never.
func (s *splitter) due() time.Time {
	var at time.Time
	earliest := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	for _, g := range s.groups {
		earliest(g.due())
	}
	if n := len(s.pending); n > 0 && n < len(s.prefix) {
		earliest(s.pendingAt.Add(pause))
	}
	return at
}

// due is when the record under way is complete, if nothing is added to it.
func (g *group) due() time.Time { return g.last.Add(g.wait()) }

// flush passes on records that have been quiet for a while.
func (s *splitter) flush(now time.Time) {
	if n := len(s.pending); n > 0 && n < len(s.prefix) && now.Sub(s.pendingAt) >= pause {
		s.putPending(now)
	}
	s.groups = slices.DeleteFunc(s.groups, func(g *group) bool {
		late := !now.Before(g.due())
		if late {
			g.flush()
		}
		return late
	})
}

// putPending: bytes that could have become a tag are text.
func (s *splitter) putPending(now time.Time) {
	p := s.pending
	s.pending = nil
	s.open("", now).write(p)
}

// finish passes on everything that is left. A tag that was cut short is not text.
func (s *splitter) finish() {
	if n := len(s.pending); n > 0 && n < len(s.prefix) {
		s.putPending(time.Time{})
	}
	for _, g := range s.groups {
		g.flush()
	}
	s.groups = nil
}
