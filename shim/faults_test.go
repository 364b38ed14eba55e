package shim_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
)

func pipes(t *testing.T) (shim.Ends, *os.File, *os.File) {
	inR, inW, _ := os.Pipe()
	outR, outW, _ := os.Pipe()
	t.Cleanup(func() { inR.Close(); outW.Close(); inW.Close(); outR.Close() })
	return shim.Ends{R: outR, W: inW}, inR, outW
}

// A request must not be written to a live worker while its caller is told ErrNotStarted.
func TestNotStartedMeansNothingWasSent(t *testing.T) {
	ends, workerIn, workerOut := pipes(t)
	c := shim.NewConn("shop/1", ends, newOwner())
	x := open(t, c)
	if _, err := shimtest.Head(t.Context(), x); !errors.Is(err, shim.ErrNotStarted) {
		t.Errorf("Head before Send: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- c.Run() }()
	_, _ = workerOut.Write([]byte("stray print\n")) // ProtocolError; the process lives
	<-done
	err := x.Send([]wire.Var{{Name: "REQUEST_METHOD", Value: "POST"}}, []byte("pay 100"), true)
	got, _ := io.ReadAll(workerIn)
	if !errors.Is(err, shim.ErrNotStarted) || bytes.Contains(got, []byte("pay 100")) {
		t.Errorf("Send: %v, and the worker has %q", err, got)
	}
	if o := x.Close(0); o != shim.Clean {
		t.Errorf("Close: %v", o)
	}
}

func TestAWorkerThatClosesItsStdinIsOver(t *testing.T) {
	ends, workerIn, _ := pipes(t)
	c := shim.NewConn("shop/1", ends, newOwner())
	go func() { _ = c.Run() }()
	defer c.Close()
	workerIn.Close()
	x, err := c.Open(shim.Label{})
	if err != nil {
		t.Fatal(err)
	}
	if err = x.Send(nil, nil, true); !errors.Is(err, shim.ErrNotStarted) {
		t.Error(err)
	}
	x.Close(0)
	if _, err := c.Open(shim.Label{}); err == nil {
		t.Error("open to new requests after EPIPE")
	}
	for end := time.Now().Add(2 * time.Minute); c.Err() == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the Conn is still good")
		}
	}
}

func TestCreditBeyondTheWindow(t *testing.T) {
	ends, _, workerOut := pipes(t)
	c := shim.NewConn("shop/1", ends, newOwner())
	x, _ := c.Open(shim.Label{})
	done := make(chan error, 1)
	go func() { done <- c.Run() }()
	defer c.Close()
	if err := x.Send(nil, nil, false); err != nil {
		t.Fatal(err)
	}
	_, _ = workerOut.Write(binary.BigEndian.AppendUint32(wire.AppendHeader(nil, wire.KindWindow, 0, 1, 4), 1<<30))
	var pe *wire.ProtocolError
	if err := wait(t, done); !errors.As(err, &pe) {
		t.Error(err)
	}
}
