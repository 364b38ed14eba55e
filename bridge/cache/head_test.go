package cache

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// Fields keep their order and their spelling, a first answer its reason phrase, and an upstream's Cache-Status its place.
func TestHead(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		rec := w.(*httpx.Writer)
		for _, f := range []httpx.Field{{Name: "X-Zeta", Value: "1"}, {Name: "cache-control", Value: "max-age=60, no-cache=\"x-secret\""}, {Name: "X-Alpha", Value: "2"}, {Name: "X-Zeta", Value: "3"}, {Name: "x-secret", Value: "s"},
			{Name: "Cache-Status", Value: "inner; hit"}, {Name: "Keep-Alive", Value: "timeout=5"}, {Name: "Date", Value: "Mon, 01 Jan 2024 00:00:00 GMT"}} {
			rec.Fields.Add(f.Name, f.Value)
		}
		rec.Fields.SetLength(2)
		rec.Phrase(200, "Fine")
		fmt.Fprint(w, "ok")
	})
	const request = "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"
	first := g.raw(request)
	want := "HTTP/1.1 200 Fine\r\nX-Zeta: 1\r\ncache-control: max-age=60, no-cache=\"x-secret\"\r\nX-Alpha: 2\r\nX-Zeta: 3\r\nx-secret: s\r\n" +
		"Cache-Status: inner; hit\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nCache-Status: standpipe; fwd=uri-miss; detail=stale\r\n"
	if !strings.HasPrefix(first, want) && !strings.HasPrefix(first, strings.TrimSuffix(want, "\r\n")+"; stored\r\n") {
		t.Errorf("first:\n%s", first)
	}
	if strings.Contains(first, "Keep-Alive") {
		t.Errorf("a field of the handler's connection goes out:\n%s", first)
	}
}

// A hit has the stored fields in their order.
func TestHeadOfHit(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		rec := w.(*httpx.Writer)
		for _, f := range []httpx.Field{{Name: "X-Zeta", Value: "1"}, {Name: "cache-control", Value: "max-age=60"}, {Name: "X-Alpha", Value: "2"}, {Name: "X-Zeta", Value: "3"}, {Name: "Cache-Status", Value: "inner; hit"}} {
			rec.Fields.Add(f.Name, f.Value)
		}
		fmt.Fprint(w, "ok")
	})
	const request = "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"
	g.raw(request)
	hit := g.raw(request)
	if !regexp.MustCompile(`^HTTP/1\.1 200 OK\r\nX-Zeta: 1\r\ncache-control: max-age=60\r\nX-Alpha: 2\r\nX-Zeta: 3\r\nAge: \d+\r\nCache-Status: standpipe; hit; ttl=`).MatchString(hit) || strings.Count(hit, "Date: ") != 1 || !strings.Contains(hit, "Content-Length: 2\r\n") {
		t.Errorf("hit:\n%s", hit)
	}
}

// Informational responses reach the client that the app was asked for.
func TestInformational(t *testing.T) {
	t.Parallel()
	shown := make(chan struct{})
	g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		<-shown
		w.Header().Del("Link")
		w.Header().Set("Cache-Control", "max-age=60")
		fmt.Fprint(w, "page")
	})
	c, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
	in := bufio.NewReader(c)
	line, _ := in.ReadString('\n')
	link, _ := in.ReadString('\n')
	if !strings.HasPrefix(line, "HTTP/1.1 103 ") || link != "Link: </a.css>; rel=preload\r\n" {
		t.Errorf("%q %q", line, link)
	}
	close(shown)
	_, _ = in.ReadString('\n')
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != 200 || resp.Header.Get("Link") != "" {
		t.Errorf("%v %v", resp, err)
	}
}

// A client that reads slowly holds neither the app nor the others when the answer is stored.
func TestSlowClient(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x", 24<<20) // more than sockets take
	var asked counting
	ended := make(chan struct{})
	g := newRig(t, Options{Tiers: []Tier{newShelf(t)}}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		asked.add()
		w.Header().Set("Cache-Control", "max-age=60")
		for i := 0; i < len(text); i += 64 << 10 {
			fmt.Fprint(w, text[i:i+64<<10])
		}
		close(ended)
	})
	slow, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	_ = slow.(*net.TCPConn).SetReadBuffer(4 << 10)
	fmt.Fprintf(slow, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", g.addr)
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("the app is held by the client")
	}
	if a := g.get("/"); a.body != text {
		t.Errorf("%d bytes, %v", len(a.body), a.err)
	}
	if n := asked.count(); n != 1 {
		t.Errorf("the app was asked %d times", n)
	}
}

// Without a wait, each request asks the app; without a largest body, the memory bounds it.
func TestZeroOptions(t *testing.T) {
	t.Parallel()
	var asked counting
	all := make(chan struct{})
	g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		if asked.add() == 3 {
			close(all)
		}
		<-all
		w.Header().Set("Cache-Control", "max-age=60")
		fmt.Fprint(w, "x")
	})
	g.cache.o.Wait = 0
	var clients sync.WaitGroup
	for range 3 {
		clients.Go(func() {
			if a := g.get("/"); a.body != "x" {
				t.Errorf("%+v", a)
			}
		})
	}
	clients.Wait()
	c := New(Options{Memory: 64 << 20})
	defer c.Close()
	if c.largest() != 1<<20 {
		t.Errorf("the largest body is %d", c.largest())
	}
	bridgetest.Until(t, "the answer", func() bool { return g.cache.Stats()[0].Entries == 1 })
}
