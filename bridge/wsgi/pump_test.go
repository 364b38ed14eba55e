package wsgi

import (
	"bufio"
	"crypto/sha256"
	"io"
	"math/rand"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/spool"
	"github.com/standpipe/standpipe/shim/shimtest"
)

// large is more than the sockets between server and client hold.
const large = 24 << 20

// lazy is a client that has asked and does not read yet.
func (g *rig) lazy(path string) (net.Conn, *bufio.Reader) {
	g.t.Helper()
	c := g.dial()
	_ = c.(*net.TCPConn).SetReadBuffer(64 << 10)
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"); err != nil {
		g.t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

// sum reads an answer to its end.
func sum(t testing.TB, br *bufio.Reader) (n int64, sha [32]byte, err error) {
	t.Helper()
	res, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	n, err = io.Copy(h, res.Body)
	return n, [32]byte(h.Sum(nil)), err
}

// pipes are small, so that files are needed.
func pipes(g *testing.T, o *Options, limit int64) *spool.Pipes {
	o.Spool = &spool.Spool{Dir: g.TempDir()}
	o.Answers = &spool.Pipes{Spool: o.Spool, Memory: 64 << 10, Total: 64 << 20, Max: limit}
	return o.Answers
}

func (g *rig) empty(s *spool.Pipes) {
	g.t.Helper()
	g.until("memory and files to be given back", func() bool { return s.InMemory() == 0 && s.Files.Used() == 0 })
}

// The worker has ended before a client reads its first byte, and all bytes come.
func TestSlowClientsHoldNoWorker(t *testing.T) {
	want := make([]byte, large)
	rand.New(rand.NewSource(1)).Read(want)
	ended := make(chan bool, 10)
	var s *spool.Pipes
	g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		var fields []string
		if r.Vars["PATH_INFO"] == "/length" {
			fields = []string{"Content-Length", strconv.Itoa(large)}
		}
		_ = p.Head(r.Stream, "200 OK", "", false, fields...)
		_ = p.Stream(r.Stream, want)
		_ = p.Body(r.Stream, "", true)
		ended <- true
	}, func(o *Options) { s = pipes(t, o, 0) })
	var readers []*bufio.Reader
	for i := range 3 {
		_, br := g.lazy([]string{"/", "/length", "/"}[i])
		readers = append(readers, br)
	}
	for range readers {
		select {
		case <-ended:
		case <-time.After(2 * time.Minute):
			t.Fatal("the worker waits for clients that do not read")
		}
	}
	if s.Files.Used() == 0 || s.InMemory() > 3*(64<<10) {
		t.Errorf("%d bytes in files, %d in memory", s.Files.Used(), s.InMemory())
	}
	for _, br := range readers {
		if n, sha, err := sum(t, br); n != large || sha != sha256.Sum256(want) || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
	g.empty(s)
	for range readers {
		if s := g.seen(); s.status != 200 || s.bytes != large || s.abort || s.info.Run <= 0 {
			t.Errorf("%+v", s)
		}
	}
}

// 50 MB in odd pieces through a small ring, to a client that reads now and then.
func TestBytesThroughTheFile(t *testing.T) {
	var s *spool.Pipes
	sent := sha256.New()
	var total int64
	g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		rnd := rand.New(rand.NewSource(2))
		_ = p.Head(r.Stream, "200 OK", "", false)
		for total < 50<<20 {
			b := make([]byte, 1+rnd.Intn(300_000))
			rnd.Read(b)
			sent.Write(b)
			total += int64(len(b))
			_ = p.Stream(r.Stream, b)
		}
		_ = p.Body(r.Stream, "", true)
	}, func(o *Options) { s = pipes(t, o, 1<<20) })
	_, br := g.lazy("/")
	g.until("the file to be full", func() bool { return s.Files.Used() == 1<<20 })
	if n, sha, err := sum(t, br); n != total || sha != [32]byte(sent.Sum(nil)) || err != nil {
		t.Errorf("%d bytes of %d, %v", n, total, err)
	}
	g.empty(s)
}

// An app that never ends is stopped at the ceilings, and told when its client leaves.
func TestEndlessAnswerIsBounded(t *testing.T) {
	var s *spool.Pipes
	var sent atomic.Int64
	stopped := make(chan bool, 1)
	var g *rig
	g = newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		_ = p.Head(r.Stream, "200 OK", "", false)
		for {
			select {
			case <-g.pool.cancels:
				_ = p.Body(r.Stream, "", true)
				stopped <- true
				return
			default:
				_ = p.Stream(r.Stream, make([]byte, 10_000))
				sent.Add(10_000)
			}
		}
	}, func(o *Options) { s = pipes(t, o, 1<<20) })
	c, _ := g.lazy("/")
	g.until("the file to be full", func() bool { return s.Files.Used() == 1<<20 })
	last := int64(-1)
	g.until("the app to stand still", func() bool {
		now := sent.Load()
		still := now == last
		last = now
		time.Sleep(50 * time.Millisecond) // between two looks
		return still
	})
	if n := sent.Load(); n > large || s.Files.Used() != 1<<20 || s.InMemory() > 64<<10 {
		t.Errorf("%d bytes sent, %d in files, %d in memory", n, s.Files.Used(), s.InMemory())
	}
	c.Close()
	select {
	case <-stopped:
	case <-time.After(2 * time.Minute):
		t.Fatal("the app was not told that its client has left")
	}
	if s := g.seen(); !s.abort {
		t.Errorf("%+v", s)
	}
	g.empty(s)
}

// After the pump has started a chunk still reaches the client before the next is made.
func TestChunksGoOutAsTheyComeBehindThePump(t *testing.T) {
	var s *spool.Pipes
	step := make(chan string)
	g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		_ = p.Head(r.Stream, "200 OK", "", false)
		_ = p.Stream(r.Stream, []byte(strings.Repeat("x", large)+"\n"))
		for part := range step {
			_ = p.Body(r.Stream, part, false)
		}
		_ = p.Body(r.Stream, "", true)
	}, func(o *Options) { s = pipes(t, o, 0) })
	_, br := g.lazy("/")
	g.until("a file", func() bool { return s.Files.Used() > 0 })
	res, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	body := bufio.NewReader(res.Body)
	if line, err := body.ReadString('\n'); len(line) != large+1 || err != nil {
		t.Fatal(len(line), err)
	}
	for _, part := range []string{"one\n", "two\n", "three\n"} {
		step <- part
		if line, err := body.ReadString('\n'); line != part || err != nil { // the next part is not made before this one is here
			t.Fatalf("%q, want %q; %v", line, part, err)
		}
	}
	close(step)
	if rest, err := io.ReadAll(body); len(rest) != 0 || err != nil {
		t.Errorf("%q %v", rest, err)
	}
	g.empty(s)
}

// What can go wrong after the head, while the client has read nothing.
func TestEndsBehindThePump(t *testing.T) {
	type want struct {
		path    string
		n       int64
		cut     bool
		log     string
		expired int
	}
	for _, c := range []want{
		{"/error", large, true, "app_error", 0},
		{"/short", large, true, "content_length_mismatch", 0},
		{"/long", large - 5, false, "content_length_mismatch", 0},
		{"/silent", large, true, "", 1},
		{"/dead", large, true, "", 0},
	} {
		t.Run(c.path[1:], func(t *testing.T) {
			var s *spool.Pipes
			all, free := make(chan bool, 1), make(chan bool)
			defer close(free)
			g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
				length := map[string]string{"/short": strconv.Itoa(large + 5), "/long": strconv.Itoa(large - 5)}[c.path]
				if length != "" {
					_ = p.Head(r.Stream, "200 OK", "", false, "Content-Length", length)
				} else {
					_ = p.Head(r.Stream, "200 OK", "", false)
				}
				_ = p.Stream(r.Stream, make([]byte, large))
				all <- true
				switch c.path {
				case "/error":
					_ = p.Message(0x14, r.Stream, map[string]any{"type": "ValueError", "message": "late"})
				case "/silent":
					<-free
				case "/dead":
					p.Close()
				default:
					_ = p.Body(r.Stream, "", true)
				}
			}, func(o *Options) {
				s = pipes(t, o, 0)
				if c.path == "/silent" {
					o.StreamTimeout = shortTimeout
				}
			})
			_, br := g.lazy(c.path)
			<-all
			if c.path == "/silent" { // the worker is looked after before the client reads
				g.until("Expire", func() bool { g.pool.mu.Lock(); defer g.pool.mu.Unlock(); return len(g.pool.expired) == 1 })
			}
			if c.log != "" {
				g.until("the record", func() bool { return g.logs.count(c.log) == 1 })
			}
			n, _, err := sum(t, br)
			if n != c.n && c.path != "/dead" || (err != nil) != c.cut {
				t.Errorf("%d bytes, %v", n, err)
			}
			if seen := g.seen(); seen.abort != c.cut || c.cut && seen.info.Err == nil {
				t.Errorf("%+v", seen)
			}
			if c.log != "" && g.logs.count(c.log) != 1 || len(g.pool.expired) != c.expired {
				t.Errorf("%v %s", g.pool.expired, g.logs)
			}
			g.empty(s)
		})
	}
}

// Without a file the worker waits, one line says so, and all bytes come.
func TestNoFileForAnswers(t *testing.T) {
	want := make([]byte, large)
	rand.New(rand.NewSource(3)).Read(want)
	var s *spool.Pipes
	g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		_ = p.Head(r.Stream, "200 OK", "", false)
		_ = p.Stream(r.Stream, want)
		_ = p.Body(r.Stream, "", true)
	}, func(o *Options) {
		s = pipes(t, o, 0)
		s.Spool = &spool.Spool{Dir: filepath.Join(t.TempDir(), "absent")}
	})
	_, br := g.lazy("/")
	g.until("the line", func() bool { return g.logs.count("answer_spool") == 1 })
	_, other := g.lazy("/")
	for _, br := range []*bufio.Reader{br, other} {
		if n, sha, err := sum(t, br); n != large || sha != sha256.Sum256(want) || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
	if n := g.logs.count("answer_spool"); n != 1 {
		t.Errorf("%d lines", n)
	}
	g.empty(s)
}

// X-Accel-Buffering: no. The worker goes as fast as its client, and nothing waits in between.
func TestStraightThrough(t *testing.T) {
	var s *spool.Pipes
	var sent atomic.Int64
	g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		_ = p.Head(r.Stream, "200 OK", "", false, "x-accel-buffering", "No")
		for range 4 * large / 50_000 {
			_ = p.Stream(r.Stream, make([]byte, 50_000))
			sent.Add(50_000)
		}
		_ = p.Body(r.Stream, "", true)
	}, func(o *Options) { s = pipes(t, o, 0) })
	_, br := g.lazy("/")
	if head, err := br.Peek(300); !strings.Contains(strings.ToLower(string(head)), "\r\nx-accel-buffering: no\r\n") || err != nil {
		t.Errorf("%q %v", head, err)
	}
	last := int64(-1)
	g.until("the app to stand still", func() bool {
		now := sent.Load()
		still := now == last
		last = now
		time.Sleep(50 * time.Millisecond) // between two looks
		return still
	})
	if sent.Load() > large || s.InMemory() != 0 || s.Files.Used() != 0 {
		t.Errorf("%d bytes sent, %d in memory, %d in files", sent.Load(), s.InMemory(), s.Files.Used())
	}
	if n, _, err := sum(t, br); n != 4*large/50_000*50_000 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}
