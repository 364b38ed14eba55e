package integration

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// noisyCache is a tls.ClientSessionCache that tells when it gets a ticket.
type noisyCache struct {
	tls.ClientSessionCache
	got chan struct{}
}

func newNoisyCache() *noisyCache {
	return &noisyCache{tls.NewLRUClientSessionCache(4), make(chan struct{}, 16)}
}

func (c *noisyCache) Put(key string, s *tls.ClientSessionState) {
	c.ClientSessionCache.Put(key, s)
	select {
	case c.got <- struct{}{}:
	default:
	}
}

// oneWay is a UDP proxy for one client that withholds the server's packets until open is called: to the server its client
// is one that sends its first packets, and cannot finish the handshake.
type oneWay struct {
	net.PacketConn
	mu      sync.Mutex
	answers bool
}

func newOneWay(t testing.TB, server string) *oneWay {
	t.Helper()
	client, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	up, err := net.Dial("udp", server)
	if err != nil {
		t.Fatal(err)
	}
	p := &oneWay{PacketConn: client}
	var from net.Addr
	var ends sync.WaitGroup
	ends.Go(func() {
		b := make([]byte, 2048)
		for {
			n, addr, err := client.ReadFrom(b)
			if err != nil {
				return
			}
			p.mu.Lock()
			from = addr
			p.mu.Unlock()
			_, _ = up.Write(b[:n])
		}
	})
	ends.Go(func() {
		b := make([]byte, 2048)
		for {
			n, err := up.Read(b)
			if err != nil {
				return
			}
			p.mu.Lock()
			addr, answers := from, p.answers
			p.mu.Unlock()
			if answers {
				_, _ = client.WriteTo(b[:n], addr)
			}
		}
	})
	t.Cleanup(func() { client.Close(); up.Close(); ends.Wait() })
	return p
}

func (p *oneWay) open() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers = true
}

// In early data, which may be a copy that somebody has recorded, a GET is answered and a POST waits for the end of the
// handshake. A ticket of the process before an upgrade is good for both.
func TestHTTP3EarlyData(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, threeListen, map[string]string{"app.py": `
import os
def app(environ, start_response):
    text = "%s early=%s" % (environ["REQUEST_METHOD"], environ.get("HTTP_EARLY_DATA", ""))
    with open("seen", "a") as f:
        f.write(text + "\n")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [text.encode()]
`})
	cache := newNoisyCache()
	settings := func() *tls.Config {
		return &tls.Config{RootCAs: a.pool, ServerName: "localhost", NextProtos: []string{"h3"}, ClientSessionCache: cache}
	}
	if _, text, err := page(secureThree(t, a, settings()), s.URL); err != nil || text != "GET early=" {
		t.Fatal(text, err)
	}
	select {
	case <-cache.got:
	case <-time.After(patience):
		t.Fatal("no session ticket")
	}
	s.usr2()
	s.upgraded()
	path := filepath.Join(s.Cmd.Dir, "seen")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	seen := func() string {
		b, _ := os.ReadFile(path)
		return string(b)
	}
	proxy := newOneWay(t, s.Addr)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := quic.DialAddrEarly(ctx, proxy.LocalAddr().String(), settings(), &quic.Config{HandshakeIdleTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseWithError(0, "")
	tr := &http3.Transport{}
	client := tr.NewClientConn(conn)
	request := func(method string) *http3.RequestStream {
		r, err := http.NewRequestWithContext(ctx, method, "https://localhost/", nil)
		if err != nil {
			t.Fatal(err)
		}
		str, err := client.OpenRequestStream(ctx)
		if err == nil {
			err = str.SendRequestHeader(r)
		}
		if err == nil {
			err = str.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return str
	}
	post, get := request("POST"), request("GET")
	eventually(t, "the app has the GET", func() bool { return strings.Contains(seen(), "GET early=1\n") })
	if text := seen(); strings.Contains(text, "POST") {
		t.Errorf("the app has got: %s", text)
	}
	proxy.open()
	for _, str := range []*http3.RequestStream{post, get} {
		if resp, err := str.ReadResponse(); err != nil || resp.StatusCode != 200 {
			t.Error(resp, err)
		}
	}
	if text := seen(); strings.Count(text, "POST early=\n") != 1 || strings.Count(text, "GET early=1\n") != 1 {
		t.Errorf("the app has got: %s", text)
	}
	if !conn.ConnectionState().Used0RTT {
		t.Error("there was no early data")
	}
}
