package shim_test

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
)

// environ is that of a browser's request.
func environ() []shim.Var {
	vars := []shim.Var{{Name: "HTTP_X_OTHER", Value: "one that is not in the table"}}
	for i, name := range shim.Names[:36] {
		vars = append(vars, shim.Var{Name: name, Value: "text/html,application/xhtml+xml;q=0.9"[:i], Known: shim.Known(name)})
	}
	return vars
}

func BenchmarkRequestEncode(b *testing.B) {
	vars := environ()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = shim.AppendRequest(buf[:0], 1, vars, nil, true); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkRequestDecode(b *testing.B) {
	frame, err := shim.AppendRequest(nil, 1, environ(), nil, true)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := shim.DecodeRequest(frame[shim.HeaderSize:]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHeadDecode(b *testing.B) {
	h := &shim.Head{Status: "200 OK", Fields: []shim.Field{{Name: "Content-Type", Value: "text/html; charset=utf-8"}, {Name: "Content-Length", Value: "1234"},
		{Name: "Set-Cookie", Value: "session=0123456789abcdef; HttpOnly; Path=/"}}}
	payload := shim.AppendHead(nil, 1, h, make([]byte, 1234), true)[shim.HeaderSize:]
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := shim.DecodeHead(payload); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFrameReader(b *testing.B) {
	frames := bytes.Repeat(shim.AppendFrame(nil, shim.Frame{Kind: shim.KindBody, Stream: 1, Payload: make([]byte, 300)}), 1000)
	b.ReportAllocs()
	b.SetBytes(int64(len(frames)))
	for b.Loop() {
		fr := shim.NewFrameReader(bytes.NewReader(frames))
		for range 1000 {
			if _, err := fr.Next(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkExchange(b *testing.B) {
	inR, inW, _ := os.Pipe()
	outR, outW, _ := os.Pipe()
	peer := shimtest.New(inR, outW, nil)
	c, _, _ := connectTo(b, shim.Ends{R: outR, W: inW}, peer, func(r *shimtest.Request, p *shimtest.Peer) {
		_ = p.Answer(r.Stream, "200 OK", "hello", "Content-Type", "text/plain")
	})
	b.Cleanup(func() { inR.Close(); outW.Close() })
	vars := environ()
	b.ReportAllocs()
	for b.Loop() {
		x, err := c.Open(shim.Label{})
		if err != nil {
			b.Fatal(err)
		}
		_ = x.Send(vars, nil, true)
		if _, err := x.Head(context.Background()); err != nil {
			b.Fatal(err)
		}
		_, _ = readAll(x)
		x.Close()
	}
}
