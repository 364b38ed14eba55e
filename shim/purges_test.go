package shim_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
)

type purged struct {
	Number  uint32 `msgpack:"-"`
	Removed int    `msgpack:"removed"`
	Error   string `msgpack:"error"`
}

func purgeFrame(t testing.TB, number uint32, m map[string]any) wire.Frame {
	t.Helper()
	b, err := msgpack.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return wire.Frame{Kind: wire.KindPurge, Stream: number, Payload: b}
}

// A worker's Purges are done beside each other, and each has its own answer.
func TestPurge(t *testing.T) {
	ends, peer := shimtest.Pipe()
	answers := make(chan purged, 10)
	peer.Purged = func(number uint32, payload []byte) {
		p := purged{Number: number}
		if err := msgpack.Unmarshal(payload, &p); err != nil {
			t.Error(err)
		}
		answers <- p
	}
	o := newOwner()
	o.purge = func(m *wire.Purge) (int, error) {
		if m.All {
			return 0, errors.New("redis does not answer")
		}
		if fmt.Sprint(m.URLs, m.Prefixes, m.Groups, m.Soft) != "[/a] [/p/] [g h] true" {
			t.Errorf("%+v", m)
		}
		return len(m.URLs) + len(m.Prefixes) + len(m.Groups), nil
	}
	connectOwner(t, o, ends, peer)
	got := map[uint32]purged{}
	for number, m := range map[uint32]map[string]any{
		7: {"urls": []string{"/a"}, "prefixes": []string{"/p/"}, "groups": []string{"g", "h"}, "soft": true, "later": []int{1}},
		9: {"all": true},
	} {
		if err := peer.Control(purgeFrame(t, number, m)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		p := wait(t, answers)
		got[p.Number] = p
	}
	if got[7] != (purged{7, 4, ""}) || got[9] != (purged{9, 0, "redis does not answer"}) {
		t.Errorf("%+v", got)
	}
}

func TestPurgesThatBreakTheProtocol(t *testing.T) {
	long := strings.Repeat("g", wire.MaxPurgeText+1)
	many := make([]string, wire.MaxPurged/2+1)
	for i := range many {
		many[i] = "g"
	}
	for name, m := range map[string]map[string]any{
		"a long name":         {"groups": []string{long}},
		"an empty name":       {"urls": []string{""}},
		"too many":            {"groups": many, "prefixes": many},
		"a text for a list":   {"groups": "g"},
		"a number in a list":  {"groups": []int{1}},
		"a number for a bool": {"soft": 1},
		"all and a list":      {"all": true, "groups": []string{"g"}},
	} {
		t.Run(name, func(t *testing.T) { breaks(t, purgeFrame(t, 1, m)) })
	}
	ok := map[string]any{"groups": []string{"g"}}
	t.Run("no number", func(t *testing.T) { breaks(t, purgeFrame(t, 0, ok)) })
	t.Run("no map", func(t *testing.T) { breaks(t, wire.Frame{Kind: wire.KindPurge, Stream: 1, Payload: []byte{0x90}}) })
	t.Run("the same number", func(t *testing.T) { breaks(t, purgeFrame(t, 1, ok), purgeFrame(t, 1, ok)) })
	var frames []wire.Frame
	for i := range uint32(257) {
		frames = append(frames, purgeFrame(t, i+1, ok))
	}
	t.Run("too many at a time", func(t *testing.T) { breaks(t, frames...) })
}

// breaks has a worker send frames on its control socket while no Purge has an answer; the last one ends the Conn.
func breaks(t *testing.T, frames ...wire.Frame) {
	t.Helper()
	ends, peer := shimtest.Pipe()
	o := newOwner()
	came, done := make(chan struct{}, len(frames)), make(chan struct{})
	o.purge = func(*wire.Purge) (int, error) { came <- struct{}{}; <-done; return 0, nil }
	defer close(done)
	c := connectOwner(t, o, ends, peer)
	for i, f := range frames {
		if err := peer.Control(f); err != nil {
			t.Fatal(err)
		}
		if i < len(frames)-1 {
			wait(t, came)
		}
	}
	select {
	case <-came:
		t.Error("it was done")
	case <-c:
	}
}

// connectOwner boots a worker; the channel is closed when its Conn has failed with a *ProtocolError.
func connectOwner(t *testing.T, o *owner, ends shim.Ends, peer *shimtest.Peer) <-chan struct{} {
	t.Helper()
	c := shim.NewConn("shop/1", ends, o)
	failed, ran, said := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ran)
		err := c.Run()
		if pe := (*wire.ProtocolError)(nil); errors.As(err, &pe) {
			close(failed)
		}
	}()
	go func() { defer close(said); _ = peer.Run() }()
	t.Cleanup(func() { c.Close(); peer.Close(); <-ran; <-said })
	wait(t, o.hello)
	if err := c.Boot(&wire.Boot{Name: "shop"}); err != nil {
		t.Fatal(err)
	}
	wait(t, o.ready)
	return failed
}

func TestPurgeBeforeTheBoot(t *testing.T) {
	ends, peer := shimtest.Pipe()
	c := shim.NewConn("shop/1", ends, newOwner())
	done := make(chan error, 1)
	go func() { done <- c.Run() }()
	go func() { _ = peer.Control(purgeFrame(t, 1, map[string]any{"all": true})) }()
	if err, pe := wait(t, done), (*wire.ProtocolError)(nil); !errors.As(err, &pe) {
		t.Error(err)
	}
	peer.Close()
}
