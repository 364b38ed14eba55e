package cache

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/cache/rules"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// Faults of the handler: no client gets a wrong answer for a whole one, and nothing of it is stored.
func TestFaults(t *testing.T) {
	t.Parallel()
	var asked counting
	g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		asked.add()
		w.Header().Set("Cache-Control", "max-age=60")
		switch r.URL.Path {
		case "/panic":
			panic("broken")
		case "/late":
			fmt.Fprint(w, "beginning")
			_ = http.NewResponseController(w).Flush()
			panic("broken")
		case "/abort":
			fmt.Fprint(w, "beginning")
			_ = http.NewResponseController(w).Flush()
			httpx.Abort(w)
		case "/none":
			httpx.Abort(w)
		case "/errabort":
			panic(http.ErrAbortHandler)
		case "/short":
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "beginning")
		case "/long":
			w.Header().Set("Content-Length", "3")
			fmt.Fprint(w, "abc")
			if _, err := fmt.Fprint(w, "def"); err == nil {
				t.Error("more than the Content-Length was taken")
			}
		case "/empty":
		}
	})
	for range 2 {
		if a := g.get("/panic"); a.status != 500 || !strings.Contains(a.body, "500") || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("panic: %+v", a)
		}
		for _, path := range []string{"/late", "/abort", "/none", "/errabort", "/short"} {
			if a := g.get(path); a.err == nil {
				t.Errorf("%s: looks whole: %+v", path, a)
			}
		}
	}
	if !strings.Contains(g.logs.String(), `"error":"broken"`) || !strings.Contains(g.logs.String(), `"@message":"panic"`) {
		t.Errorf("log: %s", g.logs.String())
	}
	if n := asked.count(); n != 12 {
		t.Errorf("the app was asked %d times", n)
	}
	if s := g.cache.Stats()[0]; s.Entries != 0 {
		t.Errorf("stored: %+v", s)
	}
	for range 2 {
		if a := g.get("/long"); a.body != "abc" {
			t.Errorf("/long: %+v", a)
		}
		if a := g.get("/empty"); a.status != 200 || a.body != "" || a.header.Get("Content-Length") != "0" {
			t.Errorf("/empty: %+v", a)
		}
	}
	if n := asked.count(); n != 14 {
		t.Errorf("the app was asked %d times", n)
	}
}

// A client that leaves cancels a fetch that no one else waits for, and one that is stored goes on.
func TestClientLeaves(t *testing.T) {
	t.Parallel()
	began, cancelled, finish := make(chan string, 4), make(chan string, 4), make(chan struct{})
	g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stored" {
			w.Header().Set("Cache-Control", "max-age=60")
			fmt.Fprint(w, "begun ")
			_ = http.NewResponseController(w).Flush()
			<-finish
			fmt.Fprint(w, "ended")
			return
		}
		if r.URL.Path == "/private" {
			w.Header().Set("Cache-Control", "private")
			fmt.Fprint(w, "begun ")
			_ = http.NewResponseController(w).Flush()
		}
		began <- r.URL.Path
		select {
		case <-r.Context().Done():
		case <-time.After(patience):
			t.Error("not cancelled:", r.URL.Path)
		}
		cancelled <- r.URL.Path
	})
	g.client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil { // by a reset: a client that leaves at once may only have closed its side, and wait
			err = c.(*net.TCPConn).SetLinger(0)
		}
		return c, err
	}
	for _, path := range []string{"/slow", "/private"} {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-began
			cancel()
		}()
		req, _ := http.NewRequestWithContext(ctx, "GET", "http://"+g.addr+path, nil)
		if resp, err := g.client.Do(req); err == nil {
			_, err = io.ReadAll(resp.Body)
			if err == nil {
				t.Errorf("%s ended", path)
			}
			resp.Body.Close()
		}
		cancel()
		if got := <-cancelled; got != path {
			t.Errorf("%s was cancelled, not %s", got, path)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "GET", "http://"+g.addr+"/stored", nil)
	resp, err := g.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	resp.Body.Close()
	g.sent = 3
	if err := g.info().Err; err == nil {
		t.Error("the client's end is not noted")
	}
	close(finish)
	bridgetest.Until(t, "the answer", func() bool { return g.cache.Stats()[0].Entries == 1 })
	if a := g.get("/stored"); a.body != "begun ended" || !strings.Contains(a.cacheStatus(), "hit") {
		t.Errorf("%+v", a)
	}
}

// A slow client of a private answer holds the app back; one of an answer that is stored does not.
func TestBackPressure(t *testing.T) {
	t.Parallel()
	const size = 24 << 20
	var written atomic.Int64
	g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private")
		piece := bytes.Repeat([]byte("x"), 64<<10)
		for range size / len(piece) {
			if _, err := w.Write(piece); err != nil {
				return
			}
			written.Add(int64(len(piece)))
		}
	})
	c, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	last := int64(-1)
	bridgetest.Until(t, "the app to be held back", func() bool {
		n := written.Load()
		time.Sleep(200 * time.Millisecond) // a moment in which it could go on
		same := n == last && n > 0
		last = n
		return same
	})
	if last >= size {
		t.Fatal("the app was not held back")
	}
	n, err := io.Copy(io.Discard, c)
	if err != nil || n < size {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// An answer that is too large is not stored, and all clients get it.
func TestLargeAnswer(t *testing.T) {
	t.Parallel()
	const size = 3 << 20 // above what memory keeps of one body
	g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		if r.URL.Path == "/declared" {
			w.Header().Set("Content-Length", fmt.Sprint(size))
		}
		for i := range size / 4096 {
			piece := bytes.Repeat([]byte{byte(i)}, 4096)
			if _, err := w.Write(piece); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for _, path := range []string{"/declared", "/unknown"} {
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				a := g.get(path)
				if a.err != nil || len(a.body) != size {
					t.Errorf("%s: %d bytes, %v", path, len(a.body), a.err)
					return
				}
				for i := range size / 4096 {
					if a.body[i*4096] != byte(i) || a.body[i*4096+4095] != byte(i) {
						t.Errorf("%s: wrong byte at %d", path, i)
						return
					}
				}
			})
		}
		all.Wait()
	}
	if s := g.cache.Stats()[0]; s.Entries != 0 {
		t.Errorf("stored: %+v", s)
	}
}

// No private answer reaches a second client, however answers change and clients come.
func TestPrivacy(t *testing.T) {
	t.Parallel()
	var serial atomic.Int64
	public := []string{"public, max-age=1", "max-age=1", "s-maxage=1", "no-cache", "max-age=0, must-revalidate", "max-age=0, stale-while-revalidate=5", "public, max-age=0, s-maxage=0, must-revalidate"}
	private := []string{"private", "no-store", "private, max-age=60", "no-store, max-age=60", "private, no-cache", ""}
	g := newRig(t, Options{PassFor: 5 * time.Millisecond}, StageOptions{Settings: rules.Settings{ServeStale: time.Minute}}, func(w http.ResponseWriter, r *http.Request) {
		n := serial.Add(1)
		time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond) // so that requests meet
		h := w.Header()
		if rand.IntN(3) == 0 {
			h.Set("ETag", fmt.Sprintf(`"%d"`, n))
		}
		switch rand.IntN(12) {
		case 0:
			h.Set("Cache-Control", "max-age=60")
			w.WriteHeader(500)
			fmt.Fprintf(w, "public error %d", n)
			return
		case 1:
			panic(http.ErrAbortHandler)
		case 2:
			h.Set("Set-Cookie", fmt.Sprintf("id=%d", n))
			h.Set("Cache-Control", "max-age=60")
			fmt.Fprintf(w, "private %d %s", n, r.Header.Get("X-Client"))
			return
		case 3:
			h.Set("Cache-Control", "max-age=60")
			h.Set("Vary", "X-Client")
			fmt.Fprintf(w, "private %d %s", n, r.Header.Get("X-Client"))
			return
		case 4:
			h.Set("Cache-Control", "max-age=60")
			h.Set("Vary", "*")
			fmt.Fprintf(w, "private %d %s", n, r.Header.Get("X-Client"))
			return
		case 5:
			if r.Header.Get("Authorization") != "" {
				h.Set("Cache-Control", "max-age=60")
				fmt.Fprintf(w, "private %d %s", n, r.Header.Get("X-Client"))
				return
			}
		case 6:
			if r.Header.Get("Cookie") != "" { // it says nothing
				h.Set("Last-Modified", time.Now().Add(-time.Hour*24*300).UTC().Format(http.TimeFormat))
				fmt.Fprintf(w, "private %d %s", n, r.Header.Get("X-Client"))
				return
			}
		}
		if rand.IntN(2) == 0 {
			h.Set("Cache-Control", public[rand.IntN(len(public))])
			fmt.Fprintf(w, "public %d", n)
			return
		}
		if cc := private[rand.IntN(len(private))]; cc != "" {
			h.Set("Cache-Control", cc)
		}
		fmt.Fprintf(w, "private %d %s", n, r.Header.Get("X-Client"))
	})
	var all sync.WaitGroup
	for client := range 40 {
		all.Go(func() {
			name := fmt.Sprintf("client%d", client)
			for range 60 {
				fields := []string{"X-Client: " + name}
				switch rand.IntN(6) {
				case 0:
					fields = append(fields, "Authorization: Bearer "+name)
				case 1:
					fields = append(fields, "Cookie: session="+name)
				case 2:
					fields = append(fields, "Cache-Control: no-cache")
				case 3:
					fields = append(fields, "Cache-Control: max-stale=100")
				}
				a := g.get(fmt.Sprintf("/%d", rand.IntN(3)), fields...)
				if strings.HasPrefix(a.body, "private") && !strings.HasSuffix(a.body, " "+name) {
					t.Errorf("%s got %q, %v", name, a.body, a.header)
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d requests reached the app: %+v", serial.Load(), g.cache.Stats()[0])
}

// While the app fails, what is stored is served.
func TestServeStale(t *testing.T) {
	t.Parallel()
	var failing atomic.Int32
	var asked counting
	g := newRig(t, Options{}, StageOptions{Settings: rules.Settings{ServeStale: time.Hour}}, func(w http.ResponseWriter, r *http.Request) {
		n := asked.add()
		switch failing.Load() {
		case 1:
			w.WriteHeader(503)
			return
		case 2:
			httpx.Abort(w)
			return
		case 3:
			panic("broken")
		}
		w.Header().Set("Cache-Control", "max-age=1")
		w.Header().Set("Age", "1")
		fmt.Fprintf(w, "%d", n)
	})
	if a := g.get("/"); a.body != "1" {
		t.Fatalf("%+v", a)
	}
	for kind := range int32(3) {
		failing.Store(kind + 1)
		for range 3 {
			a := g.get("/")
			if a.status != 200 || a.body != "1" || !strings.Contains(a.cacheStatus(), "hit; ttl=") && !strings.Contains(a.cacheStatus(), "fwd=stale") || strings.Contains(a.cacheStatus(), "stored") {
				t.Errorf("fault %d: %+v", kind+1, a)
			}
		}
		time.Sleep(failFor + 100*time.Millisecond) // until the app is asked at once
	}
	failing.Store(0)
	bridgetest.Until(t, "the app's answer", func() bool { return g.get("/").body != "1" })
	if s := g.cache.Stats()[0]; s.Stale < 9 {
		t.Errorf("stats: %+v", s)
	}
}
