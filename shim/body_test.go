package shim_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
)

func TestBodyInAFile(t *testing.T) {
	body := strings.Repeat("0123456789", 100_000)
	path := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, peer := connect(t, func(r *shimtest.Request, p *shimtest.Peer) {
		if string(r.ReadAll()) != body || r.Vars["A"] != "1" {
			t.Error("another body")
		}
		_ = p.Answer(r.Stream, "200 OK", "")
	})
	vars := make([]wire.Var, 1, 10)
	vars[0] = wire.Var{Name: "A", Value: "1"}
	for _, where := range []string{path, path + "-absent"} { // taken, refused
		x := open(t, c)
		if err := x.SendHeld(vars, where, int64(len(body))); err != nil {
			t.Fatal(err)
		}
		err := x.Wanted()
		if where == path && !errors.Is(err, shim.ErrAnswered) || where != path && err != nil {
			t.Errorf("%s: %v", where, err)
		}
		if err == nil {
			if err := x.SendBody([]byte(body), true); err != nil {
				t.Error(err)
			}
		} else if n := peer.Bodies.Load(); n != 0 {
			t.Errorf("%d Body frames", n)
		}
		if h, err := shimtest.Head(t.Context(), x); err != nil || h.Status != "200 OK" {
			t.Error(h, err)
		}
		x.Close(0)
	}
	if full := vars[:cap(vars)]; full[1].Name != "" {
		t.Errorf("the caller's vars were written to: %v", full)
	}
}

func TestWantedEnds(t *testing.T) {
	c, _, peer := connect(t, func(*shimtest.Request, *shimtest.Peer) {})
	x := open(t, c)
	if err := x.SendHeld(nil, "/absent", 1); err != nil {
		t.Fatal(err)
	}
	x.Cancel(context.Canceled)
	if err := x.Wanted(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	y := open(t, c)
	if err := y.SendHeld(nil, "/absent", 1); err != nil {
		t.Fatal(err)
	}
	peer.Close()
	if err := y.Wanted(); !errors.Is(err, shim.ErrWorkerGone) {
		t.Error(err)
	}
}

// Only a body that is held back can be asked for, and once.
func TestBodyWantedOutOfPlace(t *testing.T) {
	for name, send := range map[string]func(*shim.Exchange) error{
		"a body that is not held back": func(x *shim.Exchange) error { return x.Send(nil, nil, true) },
		"twice":                        func(x *shim.Exchange) error { return x.SendHeld(nil, "/absent", 1) },
	} {
		c, _, _ := connect(t, func(r *shimtest.Request, p *shimtest.Peer) {
			wanted := wire.Frame{Kind: wire.KindBodyWanted, Stream: r.Stream}
			_ = p.Send(wanted)
			_ = p.Send(wanted)
		})
		x := open(t, c)
		if err := send(x); err != nil {
			t.Fatal(err)
		}
		if _, err := shimtest.Head(t.Context(), x); !errors.Is(err, shim.ErrWorkerGone) {
			t.Errorf("%s: %v", name, err)
		}
		var pe *wire.ProtocolError
		if !errors.As(c.Err(), &pe) {
			t.Errorf("%s: %v", name, c.Err())
		}
	}
}
