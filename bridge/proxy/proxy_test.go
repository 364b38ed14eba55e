package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/body"
	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/spool"
	"github.com/standpipe/standpipe/bridge/upstream"
)

func TestForwards(t *testing.T) {
	t.Parallel()
	up := serving(t, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Server"], h["X-Request-Id"], h["Connection"] = []string{"up"}, []string{"theirs"}, []string{"X-Hop"}
		h["X-Hop"], h["Content-Type"] = []string{"1"}, nil
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s|%s|%s|%d %v %q|", r.Method, r.RequestURI, r.Host, r.Header["X-Forwarded-For"], r.Header["X-Forwarded-Proto"], r.ContentLength, r.TransferEncoding, b)
		if r.Header.Get("X-Request-Id") != "id1" || r.Header["X_forwarded_for"] != nil {
			t.Errorf("%v", r.Header)
		}
		fmt.Fprintf(w, "%v %v %v %v %v", r.Header["X-Forwarded-Host"], r.Header["X-Forwarded-Prefix"], r.Header["Te"], r.Header["X-Named"], r.Header["User-Agent"])
	})
	plain := newRig(t, Options{Group: group(up)})
	cut := newRig(t, Options{Group: group(up), Path: "/old", Strip: true})
	for _, c := range []struct {
		g                    *rig
		method, path, target string
		body                 io.Reader
		more                 []string
		want                 string
	}{
		{plain, "GET", "/a%2Fb//c?x;y=%zz", "/a%2Fb//c?x;y=%zz", nil, []string{"X-Forwarded-For: 198.51.100.1"}, "[198.51.100.1, 192.0.2.1]|[https]|0 [] \"\""},
		{plain, "POST", "//a", "//a", strings.NewReader("abc"), nil, "[192.0.2.1]|[https]|3 [] \"abc\""},
		{plain, "POST", "/c", "/c", io.MultiReader(strings.NewReader("abc")), nil, "[192.0.2.1]|[https]|3 [] \"abc\""}, // chunked: whole by then
		{plain, "POST", "/e", "/e", nil, nil, "[192.0.2.1]|[https]|0 [] \"\""},
		{plain, "GET", "/n", "/n", nil, []string{"Connection: X-Named, X-Request-Id", "X-Named: 1", "X_Forwarded_For: evil", "Forwarded: for=evil", "X-Forwarded-Host: evil"}, "[192.0.2.1]|[https]|0 [] \"\""},
		{cut, "GET", "/old/a%2Fb", "/a%2Fb", nil, nil, "[192.0.2.1]|"},
		{cut, "GET", "/old?q", "/?q", nil, nil, "[192.0.2.1]|"},
		{cut, "GET", "/old/", "/", nil, nil, "[192.0.2.1]|"},
		{cut, "GET", "/%6Fld/a%2Fb", "/a%2Fb", nil, nil, "[192.0.2.1]|"},
		{cut, "GET", "/old%2Fa%7c", "/a%7c", nil, nil, "[192.0.2.1]|"},
	} {
		resp, body, err := c.g.do(c.method, c.path, c.body, append(c.more, "User-Agent: t")...)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		host := strings.TrimPrefix(c.g.url, "http://")
		prefix := "[]"
		if c.g == cut {
			prefix = "[/old]"
		}
		if want := c.method + " " + c.target + " " + host + "|" + c.want; !strings.HasPrefix(body, want) || !strings.HasSuffix(body, "["+host+"] "+prefix+" [] [] [t]") {
			t.Errorf("%s %s: %s\nwant %s", c.method, c.path, body, want)
		}
		if c.method != "GET" {
			delete(resp.Header, "X-Hop") // net/http's server writes a Connection field of its own there
		}
		if fmt.Sprint(resp.Header["Server"], resp.Header["X-Request-Id"], resp.Header["X-Hop"], resp.Header["Content-Type"]) != "[up] [id1] [] []" {
			t.Errorf("%v", resp.Header)
		}
	}
	if n := plain.info(); n.Source != "upstream" || n.Upstream != up.Name {
		t.Errorf("%+v", n)
	}
}

// Requests go round-robin; an upstream that refuses connections is skipped; when all refuse, all
// were asked.
func TestRoundRobin(t *testing.T) {
	t.Parallel()
	name := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body); io.WriteString(w, s) }
	}
	a, b, gone := serving(t, name("a")), serving(t, name("b")), nobody(t)
	g := newRig(t, Options{Group: group(a, gone, b)})
	var got strings.Builder
	for range 12 {
		_, body, err := g.do("POST", "/", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		got.WriteString(body)
	}
	if s := got.String(); strings.Count(s, "xa") != 6 || strings.Count(s, "xb") != 6 {
		t.Errorf("%s", s)
	}
	if now := time.Now(); gone.State(now) != upstream.Refusing || a.State(now) != upstream.Available {
		t.Errorf("states: %d, %d", gone.State(now), a.State(now))
	}
	if n := strings.Count(g.log.String(), "upstream_retried"); n != 1 {
		t.Errorf("%d records:\n%s", n, g.log)
	}
	none := newRig(t, Options{Group: group(gone, nobody(t))})
	for range 2 { // left out or not
		resp, body, err := none.do("GET", "/", nil)
		if err != nil || resp.StatusCode != 502 || !strings.Contains(body, "id1") {
			t.Errorf("%v %v %q", resp, err, body)
		}
		if n := none.info(); n.Recalls != 1 || n.Err == nil {
			t.Errorf("%+v", n)
		}
	}
	if log := none.log.String(); strings.Count(log, "upstream_failed") != 2 || !strings.Contains(log, "connection refused") {
		t.Errorf("%s", log)
	}
}

// dying breaks its connection before it has answered.
type dying struct{ asked []string }

func (d *dying) RoundTrip(r *http.Request) (*http.Response, error) {
	b, _ := io.ReadAll(r.Body)
	d.asked = append(d.asked, r.Method+" "+string(b))
	return nil, io.ErrUnexpectedEOF
}

// After an upstream that died another one is asked only for a request that may run twice, with
// the same body.
func TestDeathOfAnUpstream(t *testing.T) {
	t.Parallel()
	for method, again := range map[string]bool{"GET": true, "HEAD": true, "OPTIONS": true, "PUT": true, "DELETE": true, "POST": false, "PATCH": false} {
		d := &dying{}
		up := serving(t, func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			w.Header().Set("X-Body", string(b))
		})
		g := newRig(t, Options{Group: group(&upstream.Member{Upstream: upstream.NewUpstream("dying", "http", "d", time.Now()), Transport: upstream.RoundTripper{RoundTripper: d}}, up)})
		resp, _, err := g.do(method, "/", strings.NewReader("abc"))
		if err != nil {
			t.Errorf("%s: %v", method, err)
			continue
		}
		if again && (resp.StatusCode != 200 || resp.Header.Get("X-Body") != "abc") || !again && resp.StatusCode != 502 {
			t.Errorf("%s: %d %v", method, resp.StatusCode, resp.Header)
		}
		if fmt.Sprint(d.asked) != "["+method+" abc]" {
			t.Errorf("%s: asked %q", method, d.asked)
		}
	}
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	t.Cleanup(func() { close(gate) }) // before the upstream's own
	up := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/begun" {
			io.WriteString(w, "some")
			w.(http.Flusher).Flush()
		}
		select {
		case <-gate:
		case <-r.Context().Done():
		}
	})
	const limit = 3 * time.Second // longer than a busy machine stands still
	up = within(up.Host, limit)
	g := newRig(t, Options{Group: group(up), ReadTimeout: limit})
	resp, body, err := g.do("GET", "/", nil)
	if err != nil || resp.StatusCode != 504 {
		t.Errorf("%v %v %q", resp, err, body)
	}
	if resp, body, err = g.do("GET", "/begun", nil); err == nil || body != "some" {
		t.Errorf("an answer that stops looks whole: %v %q", resp, body)
	}
	if n := g.info(); !errors.Is(n.Err, errSilent) {
		t.Errorf("%v", n.Err)
	}
	if log := g.log.String(); strings.Count(log, "upstream_failed") != 2 || !strings.Contains(log, "status=504") || !strings.Contains(log, errSilent.Error()) {
		t.Errorf("%s", log)
	}
}

func TestRequestBodies(t *testing.T) {
	t.Parallel()
	up := serving(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "%d %v %v", n, r.TransferEncoding, err)
	})
	for _, unbuffered := range []bool{false, true} {
		g := newRig(t, Options{Group: group(up), MaxBody: 1 << 20, Unbuffered: unbuffered, Spool: &spool.Spool{Memory: 4 << 10}})
		data := strings.Repeat("x", 1<<20)
		chunked := "[]"
		if unbuffered {
			chunked = "[chunked]"
		}
		if _, body, err := g.do("POST", "/", strings.NewReader(data)); err != nil || body != "1048576 [] <nil>" {
			t.Errorf("unbuffered %v: %q %v", unbuffered, body, err)
		}
		if _, body, err := g.do("POST", "/", io.MultiReader(strings.NewReader(data))); err != nil || body != "1048576 "+chunked+" <nil>" {
			t.Errorf("unbuffered %v, chunked: %q %v", unbuffered, body, err)
		}
		for name, sent := range map[string]io.Reader{"declared": strings.NewReader(data + "x"), "chunked": io.MultiReader(strings.NewReader(data + "x"))} {
			resp, _, err := g.do("POST", "/", sent)
			if err == nil && resp.StatusCode != 413 {
				t.Errorf("unbuffered %v, %s, too large: %v %v", unbuffered, name, resp, err)
			}
			if n := g.info(); !errors.Is(n.Err, body.ErrTooLarge) || n.Source != "server" {
				t.Errorf("unbuffered %v, %s: %v %s", unbuffered, name, n.Err, n.Source)
			}
		}
	}
}

// A client that disconnects is no failure of an upstream.
func TestClientLeaves(t *testing.T) {
	t.Parallel()
	for name, rigOf := range map[string]func(*testing.T, Options) *rig{"net/http": newRig, "our own": newOwnRig} {
		began, ended := make(chan struct{}), make(chan struct{})
		up := serving(t, func(w http.ResponseWriter, r *http.Request) {
			close(began)
			<-r.Context().Done()
			close(ended)
		})
		g := rigOf(t, Options{Group: group(up)})
		c, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		<-began
		_ = c.(*net.TCPConn).SetLinger(0) // one that closes its side at once may wait for the response
		c.Close()
		<-ended // the upstream is left too
		bridgetest.Until(t, name+": status 499", func() bool { return g.info().Status == 499 })
		if g.log.String() != "" {
			t.Errorf("%s: %s", name, g.log)
		}
	}
}

// saying is an upstream that gives each request, whose target is a number, the same bytes.
func saying(t *testing.T, said string) *upstream.Member {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() { // ends with the listener, and each of its connections with the proxy's
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for br := bufio.NewReader(c); ; {
					r, err := http.ReadRequest(br)
					if err != nil {
						return
					}
					io.Copy(io.Discard, r.Body)
					if _, err := io.WriteString(c, strings.ReplaceAll(said, "TARGET", r.RequestURI)); err != nil {
						return
					}
				}
			}()
		}
	}()
	return at(ln.Addr().String())
}

// Fields keep the order and the spelling that the upstream has given them, those of its connection stay behind, and a head that
// is none is answered by 502, without a byte of it.
func TestHeadsOfUpstreams(t *testing.T) {
	t.Parallel()
	ask := func(said string) string {
		g := newOwnRig(t, Options{Group: group(saying(t, said))})
		c, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, "GET /7 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		b, err := io.ReadAll(c)
		if err != nil {
			t.Error(err)
		}
		return string(b)
	}
	got := ask("HTTP/1.1 203 Fair Enough\r\nx-B: 1\r\nX-my-odd-NAME: 2\r\nDate: today\r\nserver: up\r\nConnection: x-named\r\nX-Named: 3\r\nx-request-id: theirs\r\nKeep-Alive: 5\r\nSet-Cookie: a\r\nA: 4\r\nset-cookie: b\r\nContent-Length: 2\r\n\r\n/7")
	if want := "HTTP/1.1 203 Fair Enough\r\nx-B: 1\r\nX-my-odd-NAME: 2\r\nDate: today\r\nserver: up\r\nSet-Cookie: a\r\nA: 4\r\nset-cookie: b\r\nX-Request-Id: id1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n/7"; got != want {
		t.Errorf("%q\nwant %q", got, want)
	}
	for _, said := range []string{"HTTP/1.1 200 OK\r\nSecret: 1\r\n a\r\n\r\n", "HTTP/1.1 200 OK\r\nSecret: 1\rA: b\r\n\r\n", "HTTP/1.1 200 OK\r\nSecret: 1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx", "secret\r\n\r\n"} {
		if got := ask(said); !strings.HasPrefix(got, "HTTP/1.1 502 ") || strings.Contains(strings.ToLower(got), "secret") {
			t.Errorf("%q: %q", said, got)
		}
	}
}

// A client's fields reach the upstream in its spelling.
func TestSpellingReachesTheUpstream(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	heads := make(chan string, 1)
	go func() { // ends with its connection
		c, err := ln.Accept()
		if err != nil {
			heads <- err.Error()
			return
		}
		defer c.Close()
		var head strings.Builder
		for br := bufio.NewReader(c); !strings.HasSuffix(head.String(), "\r\n\r\n"); {
			line, err := br.ReadString('\n')
			if head.WriteString(line); err != nil {
				break
			}
		}
		heads <- head.String()
		io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
	}()
	g := newOwnRig(t, Options{Group: group(at(ln.Addr().String()))})
	c, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nhost: h\r\nX-my-odd-NAME: 1\r\naccept: 2\r\nConnection: close\r\nx-forwarded-for: 3\r\n\r\n")
	head := <-heads
	for _, want := range []string{"\r\nHost: h\r\n", "\r\nX-my-odd-NAME: 1\r\n", "\r\naccept: 2\r\n", "\r\nX-Forwarded-For: 3, 192.0.2.1\r\n"} {
		if !strings.Contains(head, want) {
			t.Errorf("no %q in %q", want, head)
		}
	}
	if strings.Contains(strings.ToLower(head), "connection:") {
		t.Errorf("%q", head)
	}
}

// Memory that is used again mixes no requests, also where clients leave and upstreams break.
func TestManyRequests(t *testing.T) {
	t.Parallel()
	up := saying(t, "HTTP/1.1 200 OK\r\nX-Target: TARGET\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n")
	whole := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.RequestURI, "7") {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("X-Target", r.RequestURI)
		fmt.Fprintf(w, "x%s", r.Header.Get("X-Mine"))
	})
	g := newOwnRig(t, Options{Group: group(up, whole), ReadTimeout: 10 * time.Second})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
			defer client.CloseIdleConnections()
			for n := range 100 {
				target := fmt.Sprintf("/%d-%d", i, n)
				ctx, cancel := context.WithCancel(t.Context())
				req, _ := http.NewRequestWithContext(ctx, "GET", g.url+target, nil)
				req.Header.Set("X-Mine", target)
				if n%10 == 3 { // leaves at some moment
					time.AfterFunc(time.Duration(n)*10*time.Microsecond, cancel)
				}
				resp, err := client.Do(req)
				if err != nil {
					if n%10 != 3 {
						t.Error(err)
					}
					cancel()
					continue
				}
				b, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				cancel()
				if resp.StatusCode == 200 && (resp.Header.Get("X-Target") != target || err == nil && string(b) != "x" && string(b) != "x"+target) || err != nil && n%10 != 3 {
					t.Errorf("%s: %d %v %q %v", target, resp.StatusCode, resp.Header, b, err)
				}
			}
		})
	}
	all.Wait()
}

// WebSocket: the connection goes through, both ways.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	up := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" || r.Header.Get("Connection") != "Upgrade" {
			t.Errorf("%v", r.Header)
		}
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\nhello\n")
		line, _ := rw.ReadString('\n')
		io.WriteString(c, "back: "+line)
	})
	g := newRig(t, Options{Group: group(up), ReadTimeout: 10 * time.Second})
	c, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n")
	br := bufio.NewReader(c)
	resp, err := http.ReadResponse(br, nil)
	if err != nil || resp.StatusCode != 101 || resp.Header.Get("Upgrade") != "WebSocket" {
		t.Fatalf("%v %v", resp, err)
	}
	io.WriteString(c, "ping\n")
	if b, err := io.ReadAll(br); err != nil || string(b) != "hello\nback: ping\n" {
		t.Errorf("%q %v", b, err)
	}
}
