package shim_test

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
)

func TestDecodeEarlyHints(t *testing.T) {
	got, err := wire.DecodeEarlyHints([]byte("\xdc\x00\x02\xc4\x04Link\xc4\x01a"))
	if err != nil || len(got) != 1 || got[0] != (wire.Field{Name: "Link", Value: "a"}) {
		t.Errorf("%v, %v", got, err)
	}
	for name, p := range map[string][]byte{
		"odd": []byte("\x91\xc4\x01a"), "a map": []byte("\x80"), "more": []byte("\x90\x00"), "short": []byte("\x92\xc4\x01a\xc4\x09b"),
		"many": append([]byte("\xdc\x01\x02"), bytes.Repeat([]byte("\xa0"), 258)...),
	} {
		var pe *wire.ProtocolError
		if _, err := wire.DecodeEarlyHints(p); !errors.As(err, &pe) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Early hints come in their order, before the head; a flood is bounded.
func TestEarly(t *testing.T) {
	c, _, _ := connect(t, func(r *shimtest.Request, p *shimtest.Peer) {
		for i := range shim.MaxHints + 3 {
			_ = p.Send(wire.Frame{Kind: wire.KindEarlyHints, Stream: r.Stream, Payload: []byte("\x92\xa1a\xa1" + string(rune('a'+i)))})
		}
		_ = p.Answer(r.Stream, "200 OK", "x")
	})
	x := open(t, c)
	if err := x.Send(nil, nil, true); err != nil {
		t.Fatal(err)
	}
	got := ""
	for {
		e, err := x.Wait(shim.Deadline{})
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == shim.EventHead {
			if got != "abcdefghijklmnop" || e.DroppedHints != 3 || e.Head.Status != "200 OK" {
				t.Errorf("%q came, then %+v", got, e)
			}
			break
		}
		got += e.Fields[0].Value
	}
	x.Close(0)
}

// After the head hints are out of step; for a closed exchange they are thrown away.
func TestEarlyTooLate(t *testing.T) {
	closed := make(chan bool)
	c, o, _ := connect(t, func(r *shimtest.Request, p *shimtest.Peer) {
		if r.Stream == 1 {
			<-closed
			_ = p.Send(wire.Frame{Kind: wire.KindEarlyHints, Stream: 1, Payload: []byte("\x90")})
			_ = p.Send(wire.Frame{Kind: wire.KindEnd, Stream: 1})
			return
		}
		_ = p.Head(r.Stream, "200 OK", "", false)
		_ = p.Send(wire.Frame{Kind: wire.KindEarlyHints, Stream: r.Stream, Payload: []byte("\x90")})
	})
	x := open(t, c)
	if err := x.Send(nil, nil, true); err != nil {
		t.Fatal(err)
	}
	x.Close(0)
	close(closed)
	if got := wait(t, o.freed); got != shim.Clean {
		t.Fatal(got)
	}
	x = open(t, c)
	if err := x.Send(nil, nil, true); err != nil {
		t.Fatal(err)
	}
	wait(t, o.freed)
	if pe := (*wire.ProtocolError)(nil); !errors.As(c.Err(), &pe) {
		t.Error(c.Err())
	}
}

// Sole names a request only while it cannot be another's output that was read.
func TestSole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ends, peer := shimtest.Pipe()
		defer peer.Close()
		c := shim.NewConn("shop/1", ends, newOwner())
		defer c.Close()
		sole := func(want string) {
			t.Helper()
			if got := c.Sole(50 * time.Millisecond); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
		named := func(id string) *shim.Exchange {
			x, err := c.Open(shim.Label{ID: id})
			if err == nil {
				err = x.Send(nil, nil, true)
			}
			if err != nil {
				t.Fatal(err)
			}
			return x
		}
		answer := []chan bool{make(chan bool), make(chan bool)}
		peer.Handle = func(r *shimtest.Request, p *shimtest.Peer) {
			<-answer[r.Stream-1]
			_ = p.Answer(r.Stream, "200 OK", "")
		}
		go func() { _ = c.Run() }() // ends with c
		go func() { _ = peer.Run() }()
		sole("")
		a := named("a")
		sole("a")
		b := named("b")
		sole("")
		answer[0] <- true
		synctest.Wait()
		sole("")
		time.Sleep(49 * time.Millisecond)
		sole("")
		time.Sleep(time.Millisecond)
		sole("b")
		answer[1] <- true
		synctest.Wait()
		sole("")
		a.Close(0)
		b.Close(0)
	})
}
