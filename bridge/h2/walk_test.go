package h2

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/iotest"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// heads are those that walk finds in p, when it comes in pieces of these sizes, again and again.
func heads(p []byte, sizes []byte) (list []head, w walk) {
	for i := 0; len(p) > 0; i++ {
		n := len(p)
		if len(sizes) > 0 {
			n = min(n, int(sizes[i%len(sizes)])+1)
		}
		for piece := p[:n]; len(piece) > 0; {
			m, h, ok := w.next(piece)
			if ok {
				list = append(list, h)
			}
			piece = piece[m:]
		}
		p = p[n:]
	}
	return list, w
}

// The pieces in which frames come do not matter, and each frame begins where the one before ends.
func FuzzWalk(f *testing.F) {
	f.Add([]byte(frame(settingsFrame, 0, 0, "")+frame(headersFrame, endHeaders, 1, get)+frame(dataFrame, endStream, 1, "hello")), []byte{0})
	f.Add([]byte(frame(dataFrame, 0, 1<<31+5, "12345")+"\x00\x00"), []byte{2, 7, 30})
	f.Fuzz(func(t *testing.T, p, sizes []byte) {
		whole, w := heads(p, nil)
		pieces, v := heads(p, sizes)
		if len(whole) != len(pieces) || w != v {
			t.Fatalf("%v and %v, %v and %v", whole, pieces, w, v)
		}
		end := 0
		for i, h := range whole {
			if h != pieces[i] {
				t.Fatalf("%v and %v", h, pieces[i])
			}
			end += headSize + h.length
		}
		if rest := end - len(p); rest > 0 && w.left != rest || rest <= 0 && w.have != -rest {
			t.Fatalf("%d bytes, the frames have %d: %+v", len(p), end, w)
		}
	})
}

// from is a connection whose client has sent what it reads.
type from struct {
	net.Conn
	io.Reader
}

func (f from) Read(p []byte) (int, error) { return f.Reader.Read(p) }
func (f from) RemoteAddr() net.Addr       { return &net.TCPAddr{} }
func (f from) Close() error               { return nil }

// net/http gets the bytes of the client, whatever they are, up to a frame that is one too many. Settings that are replaced in the
// same frame are missing.
func FuzzIncoming(f *testing.F) {
	f.Add([]byte(frame(settingsFrame, 0, 0, "\x00\x04\x00\x00\x00\x64\x00\x04\x00\x00\x00\x01")), []byte{0})
	f.Add([]byte(frame(pingFrame, ack, 0, "12345678")+frame(dataFrame, 0, 3, "")), []byte{8, 1})
	f.Fuzz(func(t *testing.T, p, sizes []byte) {
		s := New(http.NotFoundHandler(), Options{})
		defer s.Close()
		all := append([]byte(preface), p...)
		c := newConn(s, from{Reader: iotest.OneByteReader(bytes.NewReader(all))}, httpx.Ends{})
		var got []byte
		for i := 0; ; i++ {
			size := 1 << 12
			if len(sizes) > 0 {
				size = int(sizes[i%len(sizes)]) + 1
			}
			buf := make([]byte, size)
			n, err := c.Read(buf)
			got = append(got, buf[:n]...)
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || c.over.Load() != nil {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		sent, _ := heads(p, nil)
		for _, h := range sent {
			if h.kind == settingsFrame {
				return // TestLastSettings
			}
		}
		if c.over.Load() == nil && !bytes.HasPrefix(all, got) {
			t.Fatalf("%q became %q", all, got)
		}
	})
}

func TestLastSettings(t *testing.T) {
	const table, push, window, frameMax, unknown = "\x00\x01\x00\x00\x10\x00", "\x00\x02\x00\x00\x00\x00", "\x00\x04\x00\x00\x00\x64", "\x00\x05\x00\x00\x40\x00", "\x12\x34\x00\x00\x00\x01"
	const small, bad = "\x00\x04\x00\x00\x00\x01", "\x00\x04\xff\xff\xff\xff"
	for _, c := range []struct {
		p, rest string
		window  int64
	}{
		{"", "", -1},
		{table + push + window + frameMax + unknown, table + push + window + frameMax + unknown, 100},
		{window + small, small, 1},
		{small + push + window + unknown, push + window + unknown, 100},
		{window + bad, window + bad, 100}, // net/http refuses it
		{table + table, table + table, -1},
		{unknown + unknown, unknown + unknown, -1},
	} {
		if rest, w := lastSettings([]byte(c.p)); string(rest) != c.rest || w != c.window {
			t.Errorf("%q: %q, %d", c.p, rest, w)
		}
	}
}
