package fastcgi

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/shim/wire"
)

// heard is a sink.
type heard struct {
	bytes.Buffer
	flushed int
}

func (h *heard) add(p []byte) { h.Write(p) }
func (h *heard) flush()       { h.flushed++ }

// rec is a record as a server sends it.
func rec(kind byte, id uint16, content string, padding int) string {
	n := len(content)
	return string([]byte{version, kind, byte(id >> 8), byte(id), byte(n >> 8), byte(n), byte(padding), 0}) + content + strings.Repeat("p", padding)
}

func endRec(app byte, protocol byte) string {
	return rec(typeEnd, 1, string([]byte{0, 0, 0, app, protocol, 0, 0, 0}), 0)
}

func newStream(text string) (*stream, *heard) {
	h := &heard{}
	return &stream{br: bufio.NewReaderSize(strings.NewReader(text), 24), errors: h}, h
}

func TestStream(t *testing.T) {
	t.Parallel()
	out := func(s string) string { return rec(typeStdout, 1, s, 0) }
	for _, c := range []struct {
		name, text, want, stderr string
		fault                    string // of a BadResponse; empty: none
		err                      error
	}{
		{"one record", out("hello") + out("") + endRec(0, 0), "hello", "", "", nil},
		{"no end of STDOUT", out("hello") + endRec(0, 0), "hello", "", "", nil},
		{"padding", rec(typeStdout, 1, "he", 6) + rec(typeStdout, 1, "llo", 255) + rec(typeStdout, 1, "", 8) + endRec(0, 0), "hello", "", "", nil},
		{"larger than the buffer", out(strings.Repeat("x", 65535)) + endRec(0, 0), strings.Repeat("x", 65535), "", "", nil},
		{"STDERR between", out("a") + rec(typeStderr, 1, strings.Repeat("e", 40), 3) + out("b") + rec(typeStderr, 1, "", 0) + out("") + rec(typeStderr, 1, "f", 0) + endRec(0, 0), "ab", strings.Repeat("e", 40) + "f", "", nil},
		{"management", rec(10, 0, strings.Repeat("x", 20), 4) + out("a") + rec(11, 0, "12345678", 0) + endRec(0, 0), "a", "", "", nil},
		{"an unknown type", rec(99, 1, "x", 0) + out("a") + endRec(0, 0), "a", "", "", nil},
		{"cut before the end", out("hello") + out(""), "hello", "", "", io.ErrUnexpectedEOF},
		{"cut in a header", out("hello")[:4], "", "", "", io.ErrUnexpectedEOF},
		{"cut in a content", out("hello")[:10], "he", "", "", io.ErrUnexpectedEOF},
		{"cut in padding", rec(typeStdout, 1, "he", 6)[:12], "he", "", "", io.ErrUnexpectedEOF},
		{"cut in STDERR", rec(typeStderr, 1, "hello", 0)[:10], "", "he", "", io.ErrUnexpectedEOF},
		{"cut in the end", endRec(0, 0)[:12], "", "", "", io.ErrUnexpectedEOF},
		{"nothing", "", "", "", "", io.ErrUnexpectedEOF},
		{"overloaded", endRec(0, overloaded), "", "", "", &Overloaded{}},
		{"another role", endRec(0, unknownRole), "", "", "FCGI_UNKNOWN_ROLE", nil},
		{"no multiplexing", endRec(0, cannotMix), "", "", "FCGI_CANT_MPX_CONN", nil},
		{"an unknown status", endRec(0, 9), "", "", "9", nil},
		{"an end of another size", rec(typeEnd, 1, "123456789", 0), "", "", "9 bytes", nil},
		{"HTTP", "HTTP/1.1 200 OK\r\n\r\n", "", "", "version 72", nil},
		{"another request", out("a") + rec(typeStdout, 2, "b", 0), "a", "", "request 2", nil},
		{"a client's type", rec(typeParams, 1, "b", 0), "", "", "type 4", nil},
		{"STDOUT behind its end", out("a") + out("") + out("b"), "a", "", "STDOUT", nil},
		{"endless management", strings.Repeat(rec(11, 0, "12345678", 0), maxIgnored+1), "", "", "nothing", nil},
	} {
		s, h := newStream(c.text)
		got, err := io.ReadAll(s)
		if string(got) != c.want || h.String() != c.stderr {
			t.Errorf("%s: %.60q, stderr %q", c.name, got, h.String())
		}
		var bad *cgi.BadResponse
		var full *Overloaded
		switch {
		case c.fault != "":
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%s: %v, want %q", c.name, err, c.fault)
			}
		case errors.As(c.err, &full):
			if !errors.As(err, &full) || full.HTTPStatus() != 503 {
				t.Errorf("%s: %v", c.name, err)
			}
		case err != c.err:
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
		case err == nil && !s.drained():
			t.Errorf("%s: it is not drained", c.name)
		}
	}
	s, _ := newStream(out("abc") + endRec(7, 0) + "x")
	if _, err := io.ReadAll(s); err != nil || s.status != 7 || s.drained() {
		t.Errorf("bytes behind the end: %v %d", err, s.status)
	}
	if s, _ := newStream(out("abcdef") + endRec(0, 0)); !errors.Is(s.finish(3), errTooLong) {
		t.Error("a rest that is too long")
	}
}

// What a server reads is what was given, whatever the sizes.
func TestParams(t *testing.T) {
	t.Parallel()
	for _, vars := range [][]wire.Var{
		nil,
		{{Name: "A", Value: ""}},
		{{Name: strings.Repeat("n", 127), Value: strings.Repeat("v", 128)}, {Name: "B", Value: "c"}},
		{{Name: "A", Value: strings.Repeat("v", 200000)}, {Name: "B", Value: "c"}},
	} {
		p := appendParams([]byte("before"), vars)[6:]
		var content []byte
		ended := false
		for len(p) > 0 {
			h, err := parseHeader(p)
			if err != nil || h.kind != typeParams || h.id != requestID || ended {
				t.Fatalf("%+v %v", h, err)
			}
			content, ended = append(content, p[headerSize:headerSize+h.length]...), h.length == 0
			p = p[headerSize+h.length+h.padding:]
		}
		size := func() int {
			n := int(content[0])
			if n < 0x80 {
				content = content[1:]
				return n
			}
			n = int(content[0]&0x7f)<<24 | int(content[1])<<16 | int(content[2])<<8 | int(content[3])
			content = content[4:]
			return n
		}
		for _, v := range vars {
			n, m := size(), size()
			if string(content[:n]) != v.Name || string(content[n:n+m]) != v.Value {
				t.Fatalf("%.40q is %.40q", v.Name, content[:n])
			}
			content = content[n+m:]
		}
		if len(content) > 0 || !ended {
			t.Errorf("%d bytes are left", len(content))
		}
	}
}

// FuzzStream: whatever a server sends, no more comes out than came in, and an end is an end.
func FuzzStream(f *testing.F) {
	f.Add(rec(typeStdout, 1, "hello", 3)+rec(typeStderr, 1, "oh", 1)+endRec(0, 0), 7)
	f.Add(rec(10, 0, "x", 0)+endRec(1, 2), 1)
	f.Add(string([]byte{1, 6, 0, 1, 255, 255, 255, 0, 'x'}), 4096)
	f.Fuzz(func(t *testing.T, text string, size int) {
		s, h := newStream(text)
		buf := make([]byte, 1+uint(size)%512)
		total := 0
		for {
			n, err := s.Read(buf)
			if total += n; total+h.Len() > len(text) {
				t.Fatalf("%d bytes of %d", total, len(text))
			}
			if n == 0 && err == nil {
				t.Fatal("nothing, and no error")
			}
			if err == nil {
				continue
			}
			if err == io.EOF && !s.ended {
				t.Fatal("an end without END_REQUEST")
			}
			if _, again := s.Read(buf); err == io.EOF && again != io.EOF {
				t.Fatalf("%v behind the end", again)
			}
			return
		}
	})
}
