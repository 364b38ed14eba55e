package wsgi

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/spool"
	"github.com/standpipe/standpipe/shim/shimtest"
)

func uploadOf(path string, size int) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", path, size, strings.Repeat("x", size))
}

// files are the names in the spool's folder.
func files(t testing.TB, dir string) []os.DirEntry {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestALargeBodyDoesNotCrossThePipe(t *testing.T) {
	dir := t.TempDir()
	paths := make(chan string, 10)
	g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		paths <- r.Vars["standpipe.body_file"] + " " + r.Vars["standpipe.body_size"]
		hello(r, p)
	}, func(o *Options) { o.Spool = &spool.Spool{Dir: dir}; o.MaxBody = 0 })
	const size = 3_000_000
	for _, lose := range []int{0, 1} { // a worker that leaves before it has the request changes nothing
		g.pool.lose = lose
		a := g.raw("POST", uploadOf("/p", size))
		if want := fmt.Sprintf("POST /p %d %d", size, size); a.body != want {
			t.Errorf("%s%s", a.head, a.body)
		}
		if got := <-paths; !strings.HasPrefix(got, dir+"/") || !strings.HasSuffix(got, fmt.Sprint(" ", size)) {
			t.Errorf("file %q", got)
		}
		g.seen()
	}
	if n := g.pool.peer.Bodies.Load(); n != 0 {
		t.Errorf("%d Body frames", n)
	}
	g.until("the files to go", func() bool { return len(files(t, dir)) == 0 })
}

func TestAWorkerThatCannotOpenTheFileGetsFrames(t *testing.T) {
	g := newRig(t, hello, func(o *Options) { o.MaxBody = 0 })
	g.pool.peer.NoFiles = true
	const size = 1_000_000
	a := g.raw("POST", uploadOf("/p", size))
	if want := fmt.Sprintf("POST /p %d %d", size, size); a.body != want {
		t.Errorf("%s%s", a.head, a.body)
	}
	if n := g.pool.peer.Bodies.Load(); n < size>>16 {
		t.Errorf("%d Body frames", n)
	}
}

// However a request ends, its file goes.
func TestTheFileGoesInEveryPath(t *testing.T) {
	dir := t.TempDir()
	begun := make(chan bool, 10)
	gate := make(chan bool)
	defer close(gate)
	g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		begun <- true
		switch r.Vars["PATH_INFO"] {
		case "/error":
			_ = p.Message(0x14, r.Stream, map[string]any{"type": "ValueError"})
		case "/deaf":
			_ = p.Answer(r.Stream, "200 OK", "")
		case "/hang":
			<-gate
		case "/die":
			p.Close()
		}
	}, func(o *Options) { o.Spool = &spool.Spool{Dir: dir} })
	gone := func(what string) {
		t.Helper()
		g.seen()
		g.until(what+": the file to go", func() bool { return len(files(t, dir)) == 0 && g.pool.peer != nil })
	}
	for path, status := range map[string]int{"/error": 500, "/deaf": 200} {
		if a := g.raw("POST", uploadOf(path, 200_000)); a.status != status {
			t.Errorf("%s: %s", path, a.head)
		}
		<-begun
		gone(path)
	}
	c := g.dial()
	if _, err := io.WriteString(c, uploadOf("/hang", 200_000)); err != nil {
		t.Fatal(err)
	}
	<-begun
	if len(files(t, dir)) != 1 {
		t.Errorf("while it runs: %v", files(t, dir))
	}
	disconnect(c)
	gone("client left")
	c = g.dial()
	if _, err := io.WriteString(c, uploadOf("/hang", 200_000)[:150_000]); err != nil {
		t.Fatal(err)
	}
	g.until("the file to be made", func() bool { return len(files(t, dir)) == 1 })
	disconnect(c)
	gone("client left within its body")
	if a := g.raw("POST", uploadOf("/die", 200_000)); a.status != 502 {
		t.Errorf("%s", a.head)
	}
	<-begun
	gone("worker died")
}

// A body that finds no room now is refused before any of it is sent; what others have
// declared, and not sent, is no reason.
func TestNoRoomIsSaidBefore100Continue(t *testing.T) {
	s := &spool.Spool{Dir: t.TempDir(), Files: spool.Budget{Total: 300_000}}
	g := newRig(t, hello, func(o *Options) { o.Spool = s })
	first := g.dial()
	if _, err := io.WriteString(first, uploadOf("/", 290_000)[:280_000]); err != nil {
		t.Fatal(err)
	}
	g.until("what came to be counted", func() bool { return s.Used() > 100_000 })
	if used := s.Used(); used > 280_000 {
		t.Errorf("%d bytes are accounted for", used)
	}
	a := g.raw("POST", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\nExpect: 100-continue\r\n\r\n")
	if a.status != 503 || a.header.Get("Retry-After") == "" || !strings.HasPrefix(a.head, "HTTP/1.1 503") {
		t.Errorf("%s", a.head)
	}
	if a := g.raw("POST", uploadOf("/", 50_000)); a.status != 200 { // fits into memory
		t.Errorf("%s", a.head)
	}
	if g.logs.count("spool_full") != 1 {
		t.Error(g.logs)
	}
	first.Close()
	g.until("the room to be given back", func() bool { return s.Used() == 0 })
	if a := g.raw("POST", uploadOf("/", 200_000)); a.status != 200 {
		t.Errorf("%s", a.head)
	}
}

// A client that declares a body and does not send it keeps no other client out.
func TestDeclaredBodiesReserveNothing(t *testing.T) {
	s := &spool.Spool{Dir: t.TempDir(), Files: spool.Budget{Total: 300_000}}
	g := newRig(t, hello, func(o *Options) { o.Spool = s })
	for range 3 {
		if _, err := io.WriteString(g.dial(), uploadOf("/", 290_000)[:100]); err != nil {
			t.Fatal(err)
		}
	}
	if a := g.raw("POST", uploadOf("/", 200_000)); a.status != 200 {
		t.Errorf("%s", a.head)
	}
}

func TestBodyRefusals(t *testing.T) {
	called := make(chan bool, 10)
	g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) { called <- true; hello(r, p) }, func(o *Options) {
		o.MaxBody = 1000
		o.BodyPace.Silence = 100 * time.Millisecond
	})
	for _, c := range []struct {
		name, request string
		status        int
	}{
		{"declared too large", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n", 413},
		{"chunks too large", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(strings.Repeat("x", 1001)), 413},
		{"stalled", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc", 408},
		{"chunk size with sign", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n", 400},
		{"chunk size 0x", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", 400},
		{"chunk size too long", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\na\r\n0\r\n\r\n", 400},
		{"chunk without its end", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", 400},
	} {
		a := g.raw("POST", c.request)
		if a.status != c.status || a.header.Get("Connection") != "close" && !strings.Contains(a.head, "Connection: close") || !strings.Contains(a.body, "REQ1") {
			t.Errorf("%s: %s%s", c.name, a.head, a.body)
		}
		if s := g.seen(); s.status != c.status || s.info.Err == nil || s.info.Source != "server" {
			t.Errorf("%s: %+v", c.name, s)
		}
	}
	if len(called) != 0 {
		t.Error("the app saw a refused request")
	}
}
