package shim_test

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
)

// environ is that of a browser's request.
func environ() []wire.Var {
	vars := []wire.Var{{Name: "HTTP_X_OTHER", Value: "one that is not in the table"}}
	for i, name := range wire.Names[:36] {
		vars = append(vars, wire.Var{Name: name, Value: "text/html,application/xhtml+xml;q=0.9"[:i], Known: wire.Known(name)})
	}
	return vars
}

func BenchmarkRequestEncode(b *testing.B) {
	vars := environ()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = wire.AppendRequest(buf[:0], 1, wire.FlagEnd, vars, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkRequestDecode(b *testing.B) {
	frame, err := wire.AppendRequest(nil, 1, wire.FlagEnd, environ(), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := wire.DecodeRequest(frame[wire.HeaderSize:]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHeadDecode(b *testing.B) {
	h := &wire.Head{Status: "200 OK", Fields: []wire.Field{{Name: "Content-Type", Value: "text/html; charset=utf-8"}, {Name: "Content-Length", Value: "1234"},
		{Name: "Set-Cookie", Value: "session=0123456789abcdef; HttpOnly; Path=/"}}}
	payload := wire.AppendHead(nil, 1, h, make([]byte, 1234), true)[wire.HeaderSize:]
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := wire.DecodeHead(payload); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFrameReader(b *testing.B) {
	frames := bytes.Repeat(wire.AppendFrame(nil, wire.Frame{Kind: wire.KindBody, Stream: 1, Payload: make([]byte, 300)}), 1000)
	b.ReportAllocs()
	b.SetBytes(int64(len(frames)))
	for b.Loop() {
		fr := wire.NewReader(bytes.NewReader(frames))
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
		if _, err := shimtest.Head(context.Background(), x); err != nil {
			b.Fatal(err)
		}
		_, _ = shimtest.Body(context.Background(), x)
		x.Close(0)
	}
}
