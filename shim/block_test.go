package shim_test

import (
	"bytes"
	"math/rand"
	"testing"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
)

// What a reader has is not written over, whatever comes behind it, until he says
// that he is done with it, be it late. A part that comes in a large frame lies in the reader's block.
func TestBytesStayTheReaders(t *testing.T) {
	want := make([]byte, 3<<20)
	_, _ = rand.New(rand.NewSource(1)).Read(want) // never fails
	c, _, _ := connect(t, func(r *shimtest.Request, p *shimtest.Peer) {
		_ = p.Head(r.Stream, "200 OK", "", false)
		if p.Stream(r.Stream, want) == nil {
			_ = p.Send(wire.Frame{Kind: wire.KindEnd, Stream: r.Stream})
		}
	})
	for _, done := range []bool{false, true, true, false} {
		x := open(t, c)
		if err := x.Send(nil, nil, true); err != nil {
			t.Fatal(err)
		}
		if _, err := shimtest.Head(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		kept := map[int][]byte{} // by where they begin
		var late shim.Event
		at := 0
		for i := 0; ; i++ {
			e, err := x.Wait(shim.Deadline{})
			if err != nil {
				t.Fatal(err)
			}
			if e.Kind == shim.EventEnd {
				break
			}
			p := e.Body
			if !bytes.Equal(p, want[at:at+len(p)]) {
				t.Fatalf("done %v: other bytes from %d on", done, at)
			}
			switch {
			case done && i%3 == 0:
				e.Free()
			case done && i%3 == 1:
				late = e
			case done:
				late.Free() // it must not be taken for this one
				fallthrough
			default:
				kept[at] = p
			}
			at += len(p)
		}
		for at, p := range kept {
			if !bytes.Equal(p, want[at:at+len(p)]) {
				t.Fatalf("done %v: the bytes from %d on were written over", done, at)
			}
		}
		if at != len(want) {
			t.Fatalf("%d bytes of %d", at, len(want))
		}
		x.Close(0)
	}
}
