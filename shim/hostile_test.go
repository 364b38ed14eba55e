package shim_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
)

// What a worker may not do: the Conn fails with a *ProtocolError, nothing hangs.
func TestProtocolErrors(t *testing.T) {
	head := string(wire.AppendHead(nil, 1, &wire.Head{Status: "200 OK"}, nil, false))
	frame := func(k wire.Kind, stream uint32, payload string) string {
		return string(wire.AppendFrame(nil, wire.Frame{Kind: k, Stream: stream, Payload: []byte(payload)}))
	}
	for name, raw := range map[string]string{
		"print on the pipe":      "hello, world, this is a print",
		"unknown kind":           "\xc1\x7f\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00",
		"a Go kind":              frame(wire.KindRequest, 1, "\x00\x00\x00\x00"),
		"too long":               "\xc1\x11\x00\x00\x00\x00\x00\x01\x7f\xff\xff\xff",
		"unknown flags":          "\xc1\x11\x80\x00\x00\x00\x00\x01\x00\x00\x00\x00",
		"END on a Ready":         "\xc1\x03\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00",
		"stream not open":        frame(wire.KindBody, 99, "x"),
		"Body before Head":       frame(wire.KindBody, 1, "x"),
		"End before Head":        frame(wire.KindEnd, 1, ""),
		"two Heads":              head + head,
		"head length past frame": frame(wire.KindHead, 1, "\x00\x00\x00\xff\x92"),
		"array32 of 4G":          frame(wire.KindHead, 1, "\x00\x00\x00\x05\xdd\xff\xff\xff\xff"),
		"map32 of 4G":            frame(wire.KindError, 1, "\xdf\xff\xff\xff\xff"),
		"bin32 of 4G":            frame(wire.KindHead, 1, "\x00\x00\x00\x06\x92\xc6\xff\xff\xff\xff"),
		"str32 of 4G":            frame(wire.KindError, 1, "\x81\xa4type\xdb\xff\xff\xff\xff"),
		"deep nesting":           frame(wire.KindError, 1, "\x81\xa1x"+strings.Repeat("\x91", 1<<19)),
		"bytes after the value":  frame(wire.KindError, 1, "\x80\x80"),
		"a name and no value":    frame(wire.KindHead, 1, "\x00\x00\x00\x06\x92\xc4\x00\x91\xc4\x00"),
		"beyond the window":      head + strings.Repeat(frame(wire.KindBody, 1, strings.Repeat("x", wire.MaxInline)), 5),
		"a Window of 2 GiB":      frame(wire.KindWindow, 1, "\x80\x00\x00\x00"),
	} {
		t.Run(name, func(t *testing.T) {
			ends, peer := shimtest.Pipe()
			o := newOwner()
			c := shim.NewConn("shop/1", ends, o)
			_ = open(t, c).Send(nil, nil, true) // before a reader can fail the Conn
			done := make(chan error, 1)
			go func() { done <- c.Run() }()
			go func() { _ = peer.Raw([]byte(raw)); peer.Close() }()
			var pe *wire.ProtocolError
			if err := wait(t, done); !errors.As(err, &pe) {
				t.Errorf("Run: %v", err)
			}
		})
	}
}

func TestNonce(t *testing.T) {
	ends, peer := shimtest.Pipe()
	ends.Nonce = []byte("0123456789abcdef")
	peer.Nonce = []byte("a .pth file prints\n0123456789abcdef")
	_, o, _ := connectTo(t, ends, peer, nil)
	o.mu.Lock()
	defer o.mu.Unlock()
	if string(o.noise) != "a .pth file prints\n" {
		t.Errorf("noise %q", o.noise)
	}
}

func TestNoiseIsBounded(t *testing.T) {
	ends, peer := shimtest.Pipe()
	ends.Nonce = []byte("0123456789abcdef")
	c := shim.NewConn("shop/1", ends, newOwner())
	done := make(chan error, 1)
	go func() { done <- c.Run() }()
	go func() {
		for peer.Raw(bytes.Repeat([]byte("noise "), 1000)) == nil {
		}
	}()
	var pe *wire.ProtocolError
	if err := wait(t, done); !errors.As(err, &pe) || len(pe.Saw) > 64 {
		t.Errorf("Run: %v", err)
	}
}
