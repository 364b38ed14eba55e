package h3

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/integration/testca"
	"github.com/standpipe/standpipe/shim/wire"
)

// patience is how long what has to happen may take.
const patience = time.Minute

// security is a TLS that counts.
type security struct {
	config         *tls.Config
	shaken, failed atomic.Int64
}

func (s *security) QUICConfig() *tls.Config                     { return s.config }
func (s *security) Shaken(*tls.ConnectionState)                 { s.shaken.Add(1) }
func (s *security) NotShaken(string, error)                     { s.failed.Add(1) }
func (s *security) VariablesOf(*tls.ConnectionState) []wire.Var { return nil }

// rig has what servers of one test share.
type rig struct {
	*testing.T
	tls  *security
	pool *x509.CertPool
	open atomic.Int64 // connections that are counted
}

func newRig(t *testing.T) *rig {
	t.Helper()
	a := testca.New(t, "test CA")
	made := a.Sign(t, testca.For("localhost"))
	return &rig{T: t, pool: a.Pool, tls: &security{config: &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"h3"}, Certificates: []tls.Certificate{*made.Certificate}}}}
}

// serve serves u until the end of the test.
func (r *rig) serve(u *Socket, keys *Keys, h http.HandlerFunc) *Server {
	r.Helper()
	s := New(h, Options{TLS: r.tls, Keys: keys, IdleTimeout: patience, Pace: func() *httpx.Pace { return &httpx.Pace{Silence: patience} },
		Admit: func(netip.Addr) (func(), bool) {
			r.open.Add(1)
			return func() { r.open.Add(-1) }, true
		}, Crowded: func(netip.Addr) bool { return false }})
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := s.Serve(u); err != nil {
			r.Error(err)
		}
	})
	r.Cleanup(func() { _ = s.Close(); serving.Wait() })
	return s
}

func (r *rig) client() *http.Client {
	tr := &http3.Transport{TLSClientConfig: &tls.Config{RootCAs: r.pool, ServerName: "localhost"}, QUICConfig: &quic.Config{HandshakeIdleTimeout: patience, MaxIdleTimeout: patience}}
	r.Cleanup(func() { tr.Close() })
	return &http.Client{Transport: tr, Timeout: patience}
}

func (r *rig) eventually(what string, cond func() bool) {
	r.Helper()
	for limit := time.Now().Add(patience); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			r.Fatal("not in time: " + what)
		}
	}
}

func newUDP(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func body(c *http.Client, url string) (string, error) {
	resp, err := c.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

// A process hands its socket over: its answer that runs goes on, an upload to it too, and a new connection is the new one's. When the old
// process has ended, its clients are told at once.
func TestYield(t *testing.T) {
	r := newRig(t)
	keys, _ := NewKeys(nil)
	next, err := NewKeys(keys.Keep())
	if err != nil {
		t.Fatal(err)
	}
	udp := newUDP(t)
	address := "https://" + udp.LocalAddr().String()
	first, err := NewSocket(udp, keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	copied, err := udp.File()
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	again, err := net.FilePacketConn(copied)
	if err != nil {
		t.Fatal(err)
	}
	gate := make(chan struct{})
	old := r.serve(first, keys, func(w http.ResponseWriter, req *http.Request) {
		rec := w.(*httpx.Writer)
		n, _ := io.Copy(io.Discard, req.Body)
		if n > 0 {
			<-gate
		}
		_, _ = io.WriteString(rec, "old")
	})
	if text, err := body(r.client(), address); text != "old" || err != nil {
		t.Fatal(text, err)
	}
	type result struct {
		text string
		err  error
	}
	from, to := io.Pipe()
	answered := make(chan result, 1)
	c := r.client()
	go func() {
		resp, err := c.Post(address, "text/plain", from)
		if err != nil {
			answered <- result{"", err}
			return
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		answered <- result{string(b), err}
	}()
	part := make([]byte, 100_000)
	if _, err := to.Write(part); err != nil {
		t.Fatal(err)
	}
	r.eventually("the upload runs", func() bool { return old.Connections() == 2 })

	theirs, err := first.Pair()
	if err != nil {
		t.Fatal(err)
	}
	second, err := NewSocket(again.(*net.UDPConn), next, theirs)
	if err != nil {
		t.Fatal(err)
	}
	first.Yield()
	r.serve(second, next, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "new") })
	old.Leave()
	for range 20 {
		if _, err := to.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	to.Close()
	if text, err := body(r.client(), address); text != "new" || err != nil {
		t.Error(text, err)
	}
	close(gate)
	if got := <-answered; got.text != "old" || got.err != nil {
		t.Errorf("the upload: %+v", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := old.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if text, err := body(c, address); text != "new" || err != nil {
		t.Error(text, err)
	}
	if n := r.tls.shaken.Load(); n < 4 || r.tls.failed.Load() != 0 {
		t.Errorf("%d handshakes, %d failed", n, r.tls.failed.Load())
	}
}

// An upgrade that fails gives the socket back.
func TestReclaim(t *testing.T) {
	r := newRig(t)
	keys, _ := NewKeys(nil)
	udp := newUDP(t)
	u, err := NewSocket(udp, keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := r.serve(u, keys, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") })
	address := "https://" + udp.LocalAddr().String()
	c := r.client()
	if text, err := body(c, address); text != "here" || err != nil {
		t.Fatal(text, err)
	}
	for _, dies := range []bool{false, true} {
		theirs, err := u.Pair()
		if err != nil {
			t.Fatal(err)
		}
		u.Yield()
		if theirs.Close(); !dies {
			u.Reclaim()
		}
		if text, err := body(c, address); text != "here" || err != nil {
			t.Errorf("the other process dies: %v, %q %v", dies, text, err)
		}
	}
	c.CloseIdleConnections()
	c.Transport.(*http3.Transport).Close()
	r.eventually("nothing is counted", func() bool { return s.Connections() == 0 && r.open.Load() == 0 && s.doubt.Load() == 0 })
}

// Packets are told apart by the ids of their processes.
func TestOlder(t *testing.T) {
	keys, _ := NewKeys(nil)
	next, err := NewKeys(keys.Keep())
	if err != nil {
		t.Fatal(err)
	}
	for range mostBefore + 1 {
		if next, err = NewKeys(next.Keep()); err != nil {
			t.Fatal(err)
		}
	}
	if len(next.before) != mostBefore {
		t.Errorf("%d processes before", len(next.before))
	}
	if next.reset != keys.reset || next.token != keys.token {
		t.Error("the keys have changed")
	}
	id := append(next.before[0][:], 1, 2, 3, 4, 5, 6, 7, 8)
	own, _ := next.ids().GenerateConnectionID()
	for name, c := range map[string]struct {
		packet []byte
		want   bool
	}{
		"short":             {append(append([]byte{0x40}, id...), 0), true},
		"long":              {append([]byte{0xe0, 0, 0, 0, 1, idLen}, id...), true},
		"own":               {append([]byte{0x40}, own.Bytes()...), false},
		"another length":    {append([]byte{0xe0, 0, 0, 0, 1, idLen - 1}, id...), false},
		"cut":               {append([]byte{0xe0, 0, 0, 0, 1, idLen}, id[:4]...), false},
		"cut before its id": {[]byte{0xe0, 0, 0, 0, 1, idLen}, false},
		"nothing":           {nil, false},
	} {
		if got := next.older(c.packet); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, kept := range [][]byte{make([]byte, 10), append(keys.Keep(), 1), make([]byte, 1000)} {
		if _, err := NewKeys(kept); err == nil {
			t.Errorf("%d bytes are taken", len(kept))
		}
	}
}
