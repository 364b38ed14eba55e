package shim_test

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
)

// A worker that does not read its pipe blocks no sender: over a real
// pipe, that is the combining writer's promise.
func TestSendNeverWaits(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	out, outPeer := net.Pipe()
	c := shim.NewConn("shop/1", shim.Ends{R: out, W: w}, newOwner())
	done := make(chan error, 1)
	go func() { done <- c.Run() }()
	sent := make(chan int)
	go func() {
		for range 100 { // 100 x 64 KiB into a pipe that holds one of them
			x, err := c.Open(shim.Label{})
			if err != nil {
				t.Error(err)
				break
			}
			if err := x.Send(nil, make([]byte, wire.MaxInline), true); err != nil {
				t.Error(err)
			}
		}
		close(sent)
	}()
	wait(t, sent)
	// All of it arrives, in whole frames, once somebody reads.
	fr := wire.NewReader(r)
	for i := range 100 {
		f, err := fr.Next()
		if err != nil || f.Kind != wire.KindRequest || f.Stream != uint32(i+1) || len(f.Payload) != 4+13+wire.MaxInline {
			t.Fatalf("frame %d: %v %v %d bytes, %v", i, f.Kind, f.Stream, len(f.Payload), err)
		}
	}
	c.Close()
	outPeer.Close()
	wait(t, done)
}

// A request to a worker whose pipe is gone was not started.
func TestSendToTheDead(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, outPeer := net.Pipe()
	defer outPeer.Close()
	c := shim.NewConn("shop/1", shim.Ends{R: out, W: w}, newOwner())
	done := make(chan error, 1)
	go func() { done <- c.Run() }()
	x := open(t, c)
	r.Close()
	if err := x.Send(nil, nil, true); !errors.Is(err, shim.ErrNotStarted) {
		t.Errorf("Send: %v", err)
	}
	c.Close()
	wait(t, done)
}

func TestHeadTooLarge(t *testing.T) {
	c, _, _ := connect(t, nil)
	x := open(t, c)
	var pe *wire.ProtocolError
	if err := x.Send([]wire.Var{{Name: "A", Value: strings.Repeat("x", wire.MaxHead)}}, nil, true); !errors.As(err, &pe) {
		t.Errorf("Send: %v", err)
	}
	x.Close(0)
	y := open(t, c) // nothing of it was sent
	_ = y.Send(nil, nil, true)
	if body, err := shimtest.Body(context.Background(), y); body != "hello" || err != nil {
		t.Errorf("%q %v", body, err)
	}
	y.Close(0)
}
