package listen

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/bridgetest"
)

func TestClientKeys(t *testing.T) {
	for _, row := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"0.0.0.0", "255.255.255.255", false},
		{"2001:db8::1", "2001:db8::2", true},
		{"2001:db8:0:1::1", "2001:db8:0:2::1", false},
		{"::1", "0.0.0.1", false},
		{"::1", "::2", true},
	} {
		a, b := keyOf(netip.MustParseAddr(row.a)), keyOf(netip.MustParseAddr(row.b))
		if a == 0 || b == 0 || (a == b) != row.same {
			t.Errorf("%s: %x, %s: %x", row.a, a, row.b, b)
		}
	}
}

// echo serves a listener of g over network: each connection gets a byte and stays open until its
// client closes it.
func echo(t *testing.T, g *Group, network, address string) net.Addr {
	t.Helper()
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	limited := &limitListener{Listener: ln, group: g, done: make(chan struct{})}
	t.Cleanup(func() { limited.Close() })
	go func() { // ends with the listener
		for {
			c, err := limited.Accept()
			if err != nil {
				return
			}
			go func() { // ends with its client
				_, _ = c.Write([]byte("x"))
				_, _ = io.Copy(io.Discard, c)
				c.Close()
			}()
		}
	}()
	return ln.Addr()
}

// served opens a connection and reports whether it is served.
func served(t *testing.T, a net.Addr) (net.Conn, bool) {
	t.Helper()
	c, err := net.Dial(a.Network(), a.String())
	if errors.Is(err, syscall.ECONNRESET) { // refused before connect(2) has returned
		return nil, false
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_, err = c.Read(make([]byte, 1))
	return c, err == nil
}

// The client's next connection is refused, counted and logged once; when one ends, another one
// is served. Other clients, unix sockets and trusted addresses are not concerned.
func TestConnectionsPerClient(t *testing.T) {
	log := &bridgetest.Log{}
	var refused atomic.Int32
	var exempt atomic.Bool
	limits := Limits{PerClient: 2, Unlimited: func(netip.Addr) bool { return exempt.Load() }}
	g := NewGroup(Options{Limits: limits, Log: hclog.New(&hclog.LoggerOptions{Output: log}), Refused: func(reason string) {
		if reason == RefusedPerClient {
			refused.Add(1)
		}
	}})
	a := echo(t, g, "tcp", "127.0.0.1:0")
	u := echo(t, g, "unix", t.TempDir()+"/s")
	first, ok1 := served(t, a)
	_, ok2 := served(t, a)
	_, ok3 := served(t, a)
	_, ok4 := served(t, a)
	waitUntil(t, "the refusals are counted", func() bool { return refused.Load() == 2 && log.String() != "" })
	if !ok1 || !ok2 || ok3 || ok4 || strings.Count(log.String(), "connection_refused") != 1 {
		t.Errorf("served: %v %v %v %v; log:\n%s", ok1, ok2, ok3, ok4, log)
	}
	for range 5 {
		if _, ok := served(t, u); !ok {
			t.Error("a unix socket is limited")
		}
	}
	first.Close()
	waitUntil(t, "the slot is free", func() bool { return g.Connections() == 1+5 })
	if _, ok := served(t, a); !ok {
		t.Error("not served although one has ended")
	}
	exempt.Store(true)
	if _, ok := served(t, a); !ok {
		t.Error("an exempt address is limited")
	}
	exempt.Store(false)
	limits.PerClient = 3
	g.SetLimits(limits)
	if _, ok := served(t, a); !ok {
		t.Error("not served although the limit was raised")
	}
	g.Close()
	waitUntil(t, "all are closed", func() bool { return g.Connections() == 0 })
	g.counts.mu.Lock()
	defer g.counts.mu.Unlock()
	if len(g.counts.open) > 0 {
		t.Errorf("%v are still counted", g.counts.open)
	}
}

// A denied client's connection is closed before anything of it is read, and is counted.
func TestDeniedConnections(t *testing.T) {
	var refused atomic.Int64
	g := NewGroup(Options{Refused: func(reason string) {
		if reason == RefusedDenied {
			refused.Add(1)
		}
	}})
	first := echo(t, g, "tcp", "127.0.0.1:0")
	g.SetLimits(Limits{Denied: func(at net.Addr, client netip.Addr) bool {
		return (at == nil || at == first) && client == netip.MustParseAddr("127.0.0.1")
	}})
	served := func(at net.Addr) bool {
		c, err := net.Dial("tcp", at.String())
		if err != nil {
			return false
		}
		defer c.Close()
		_, err = c.Read(make([]byte, 1))
		return err == nil
	}
	if served(first) {
		t.Error("a denied client is served")
	}
	if !served(echo(t, g, "tcp", "127.0.0.1:0")) {
		t.Error("at another address it is not served")
	}
	if _, ok := g.Admit(netip.MustParseAddr("127.0.0.1")); ok {
		t.Error("it is served over UDP")
	}
	if refused.Load() != 2 {
		t.Errorf("%d refusals are counted", refused.Load())
	}
}
