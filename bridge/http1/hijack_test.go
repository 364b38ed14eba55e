package http1

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/bridge/listen"
)

// A handler that takes the connection gets what has come behind the request, and may close
// its side. The server does not touch it any more.
func TestHijack(t *testing.T) {
	each(t, func(t *testing.T, network string) {
		done := make(chan bool, 1)
		g := newRigOn(t, network, Options{}, listen.Options{}, func(w http.ResponseWriter, r *http.Request) {
			c, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, http.ErrHijacked) {
				t.Errorf("a second Hijack: %v", err)
			}
			if _, err := io.WriteString(w, "x"); !errors.Is(err, http.ErrHijacked) {
				t.Errorf("a write: %v", err)
			}
			_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
			go func() { // behind the handler
				defer c.Close()
				if r.URL.Path == "/conn" {
					_, _ = io.Copy(c, c)
				} else {
					_, _ = io.Copy(c, rw)
				}
				if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
					t.Error(err)
				}
				done <- true
			}()
		})
		for _, target := range []string{"/conn", "/buffered"} {
			for _, early := range []string{"", "early", strings.Repeat("e", 20_000)} {
				p := g.dial()
				p.send(requestOf("GET "+target+" HTTP/1.1", "Connection: Upgrade", "Upgrade: echo") + early)
				if a := p.read("GET"); a.status != 101 {
					t.Fatalf("%q", a.head)
				}
				p.send("late")
				p.closeWrite()
				if rest, err := p.rest(); err != nil || rest != early+"late" {
					t.Errorf("%s: %d bytes, %v", target, len(rest), err)
				}
				wait(t, "the tunnel", done)
			}
		}
		if err := g.server.Shutdown(t.Context()); err != nil { // nothing is left to wait for
			t.Error(err)
		}
	})
}

// What a handler has flushed goes out before what it writes on the connection.
func TestHijackBehindAnAnswer(t *testing.T) {
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.URL.RawQuery)
		w.Header()["Content-Length"] = []string{r.URL.RawQuery}
		_, _ = w.Write(pattern(size))
		flush(t, w)
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(c, "own")
		c.Close()
	})
	for _, size := range []int{1, gather, copied + 1, 100_000} {
		p := g.dial()
		p.send(requestOf("GET /?" + strconv.Itoa(size) + " HTTP/1.1"))
		if a := p.read("GET"); a.body != string(pattern(size)) {
			t.Errorf("%d: %d bytes", size, len(a.body))
		}
		if rest, err := p.rest(); rest != "own" || err != nil {
			t.Errorf("%d: then %q, %v", size, rest, err)
		}
	}
}

// What a handler has written of a body whose length is not known goes out too.
func TestHijackBehindAPiece(t *testing.T) {
	g := newRig(t, Options{}, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "piece")
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(c, "3\r\nown\r\n0\r\n\r\n")
		c.Close()
	})
	p := g.dial()
	p.send(requestOf("GET / HTTP/1.1"))
	if a := p.read("GET"); a.body != "pieceown" {
		t.Errorf("%s%q", a.head, a.body)
	}
}

// Files go out whole and in parts, with and without a length, and one that is shorter than
// declared ends the connection.
func TestFiles(t *testing.T) {
	content := pattern(300_000)
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, network string) {
		g := newRigOn(t, network, Options{}, listen.Options{}, func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			number := func(name string) int64 {
				n, _ := strconv.ParseInt(q.Get(name), 10, 64)
				return n
			}
			f, err := os.Open(name)
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			if q.Get("length") != "" {
				w.Header()["Content-Length"] = []string{q.Get("length")}
			}
			off, n := number("off"), number("n")
			var sent int64
			switch r.URL.Path {
			case "/sendfile":
				_, _ = io.WriteString(w, q.Get("before"))
				sent, err = recOf(w).SendFile(f, off, n)
			case "/readfrom":
				_, _ = io.WriteString(w, q.Get("before"))
				_, _ = f.Seek(off, io.SeekStart)
				sent, err = io.Copy(recOf(w), io.LimitReader(f, n))
			case "/whole":
				sent, err = io.Copy(recOf(w), f)
			case "/content":
				http.ServeContent(w, r, "f", recOf(w).Info.Start, f)
				return
			}
			if want := min(n, int64(len(content))-off); sent != want || err != nil {
				t.Errorf("%s: %d bytes, %v", r.RequestURI, sent, err)
			}
		})
		for _, c := range []struct{ target, want string }{
			{"/sendfile?n=300000&length=300000", string(content)},
			{"/sendfile?n=300000", string(content)},
			{"/sendfile?off=100000&n=5&length=5", string(content[100_000:100_005])},
			{"/sendfile?off=299990&n=10&length=16&before=before", "before" + string(content[299_990:])},
			{"/sendfile?n=100000&length=100006&before=before", "before" + string(content[:100_000])},
			{"/sendfile?n=100000&before=before", "before" + string(content[:100_000])},
			{"/readfrom?n=300000&length=300000", string(content)},
			{"/readfrom?n=300000", string(content)},
			{"/readfrom?off=7&n=200000&length=200003&before=abc", "abc" + string(content[7:200_007])},
			{"/whole?n=300000&length=300000", string(content)},
			{"/whole?n=300000", string(content)},
			{"/content", string(content)},
		} {
			for _, minor := range []string{"0", "1"} {
				p := g.dial()
				for range 2 {
					p.send(requestOf("GET "+c.target+" HTTP/1."+minor, "Connection: keep-alive"))
					a := p.read("GET")
					if a.status != 200 || a.body != c.want || a.err != nil || a.close && a.length >= 0 {
						t.Errorf("%s 1.%s: %q, %d bytes, %v", c.target, minor, a.head, len(a.body), a.err)
					}
					if a.close {
						p.ends()
						break
					}
				}
				p = g.dial()
				p.send(requestOf("HEAD "+c.target+" HTTP/1.1", "Connection: close"))
				if a := p.read("HEAD"); a.status != 200 || a.body != "" {
					t.Errorf("%s: %q %q", c.target, a.head, a.body)
				}
				p.ends()
			}
		}
		p := g.dial() // 200,000 bytes of the 400,000 that were declared
		p.send(requestOf("GET /sendfile?off=100000&n=400000&length=400000 HTTP/1.1") + requestOf("GET /canary HTTP/1.1"))
		if a := p.read("GET"); a.body != string(content[100_000:]) || !errors.Is(a.err, io.ErrUnexpectedEOF) {
			t.Errorf("%q, %d bytes, %v", a.head, len(a.body), a.err)
		}
		p.ends()
	})
}
