package integration

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// slowReaders is a server of apps/slow_readers with one worker and a spool folder of its own.
func slowReaders(t *testing.T, args ...string) (b *behaviours, spool string) {
	t.Helper()
	spool = t.TempDir()
	return serveBehaviours(t, opts{App: "app:application", Dir: appDir(t, "slow_readers"), Args: append(args, "--spool-dir", spool, "--queue-timeout", bootQueue, "--send-timeout", "10m")}), spool
}

// lazy sends a GET on a connection with a small window, and reads nothing.
func (b *behaviours) lazy(path string) net.Conn {
	b.t.Helper()
	c, err := b.dial()
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Close() })
	_ = tcpOf(c).SetReadBuffer(64 << 10)
	_ = c.SetDeadline(time.Now().Add(bootPatience))
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
	return c
}

// spilled are the sizes of the answers' files that the server has open.
func (b *behaviours) spilled() (sizes []int64) {
	dir := fmt.Sprintf("/proc/%d/fd", b.Pid)
	fds, _ := os.ReadDir(dir)
	for _, fd := range fds {
		path := filepath.Join(dir, fd.Name())
		if name, _ := os.Readlink(path); strings.Contains(name, "standpipe-answer-") {
			if st, err := os.Stat(path); err == nil {
				sizes = append(sizes, st.Size())
			}
		}
	}
	return sizes
}

// nothingLeft waits until no answer's file is open, and looks for names.
func (b *behaviours) nothingLeft(spool string) {
	b.t.Helper()
	eventually(b.t, "the answers' files are closed", func() bool { return len(b.spilled()) == 0 })
	if left := spooled(b.t, spool); len(left) > 0 {
		b.t.Errorf("left in the spool folder: %v", left)
	}
}

// checkSum reads an answer of /big and compares its bytes with the sum at their end.
func checkSum(t *testing.T, c net.Conn, mb int64) {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	n, err := io.CopyN(h, resp.Body, mb<<20)
	rest, rerr := io.ReadAll(resp.Body)
	if err != nil || rerr != nil || string(rest) != hex.EncodeToString(h.Sum(nil)) {
		t.Errorf("%d bytes (%v), then %.100q (%v)", n, err, rest, rerr)
	}
}

// Twenty clients that take nothing of answers larger than the sockets, and one worker: it has served them all, and
// serves the next, before the first byte is read.
func TestSlowReadersHoldNoWorker(t *testing.T) {
	t.Parallel()
	b, spool := slowReaders(t)
	const clients, mb = 20, 8
	var conns []net.Conn
	var ids []string
	for range clients {
		id := newID()
		ids = append(ids, id)
		conns = append(conns, b.lazy(fmt.Sprintf("/big?mb=%d&id=%s", mb, id)))
	}
	b.want(200, "/pid")
	eventually(t, "all answers are in the spool", func() bool {
		for _, id := range ids {
			if b.recorded("close "+id) != 1 {
				return false
			}
		}
		return len(b.spilled()) == clients // the app may end before the last bytes of its answer have reached the file
	})
	b.want(200, "/pid")
	if left := spooled(t, spool); len(left) > 0 {
		t.Errorf("files with names: %v", left)
	}
	for _, c := range conns {
		checkSum(t, c, mb)
		c.Close()
	}
	b.nothingLeft(spool)
}

func TestLargeAnswerThroughTheSpool(t *testing.T) {
	t.Parallel()
	b, spool := slowReaders(t, "--response-memory", "64KiB", "--spool-max", "8MiB")
	c := b.lazy("/big?mb=50&id=large")
	eventually(t, "the file is full", func() bool { s := b.spilled(); return len(s) == 1 && s[0] == 8<<20 })
	checkSum(t, c, 50)
	eventually(t, "close() has run", func() bool { return b.recorded("close large") > 0 })
	c.Close()
	b.nothingLeft(spool)
	if n := b.recorded("close large"); n != 1 {
		t.Errorf("close() ran %d times", n)
	}
}

// An app that never ends waits for its client at the ceiling, and ends with it.
func TestEndlessAnswer(t *testing.T) {
	t.Parallel()
	b, spool := slowReaders(t, "--response-memory", "64KiB", "--spool-max", "1MiB")
	c := b.lazy("/endless?id=endless")
	eventually(t, "the file is full", func() bool { s := b.spilled(); return len(s) == 1 && s[0] == 1<<20 })
	next := b.background("/pid")
	last := -1
	eventually(t, "the app waits", func() bool {
		now := len(b.recordedLines())
		still := now == last
		last = now
		time.Sleep(100 * time.Millisecond) // between two looks
		return still
	})
	if s := b.spilled(); last > 16 || len(s) != 1 || s[0] != 1<<20 {
		t.Errorf("the app has made %d MiB; files: %v", last, s)
	}
	if !next.running() {
		t.Error("the worker was free")
	}
	c.Close()
	if r := next.wait(t); r.Status != 200 {
		t.Errorf("%d", r.Status)
	}
	eventually(t, "close()", func() bool { return b.recorded("close endless") == 1 })
	b.nothingLeft(spool)
}

// A chunk is at the client before the app makes the next one, with and without X-Accel-Buffering.
func TestChunksReachAFastClientAtOnce(t *testing.T) {
	t.Parallel()
	b, _ := slowReaders(t)
	for _, more := range []string{"", "&straight=1"} {
		seen := filepath.Join(b.gates, newID())
		c := b.lazy("/steps?n=5&seen=" + seen + more)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := resp.Header.Get("X-Accel-Buffering"); (got == "no") != (more != "") {
			t.Errorf("X-Accel-Buffering: %q", got)
		}
		body := bufio.NewReader(resp.Body)
		for i := range 5 {
			if line, err := body.ReadString('\n'); line != fmt.Sprintf("step %d\n", i) || err != nil {
				t.Fatalf("%q %v", line, err)
			}
			if err := os.WriteFile(fmt.Sprintf("%s.%d", seen, i), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if rest, err := io.ReadAll(body); len(rest) > 0 || err != nil {
			t.Errorf("%q %v", rest, err)
		}
	}
}

// An error in the middle of a spooled answer still breaks the connection.
func TestBrokenAnswerInTheSpool(t *testing.T) {
	t.Parallel()
	b, spool := slowReaders(t)
	c := b.lazy("/broken?mb=8")
	b.waitEvent("app_error") // before the client reads
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); err == nil || n > 8<<20 {
		t.Errorf("%d bytes and a proper end", n)
	}
	b.want(200, "/pid")
	b.nothingLeft(spool)
}

// pushing sends requests on n connections, as many as they take, and reads nothing.
func (s *server) pushing(n int, path string) (conns []net.Conn) {
	s.t.Helper()
	for range n {
		c, err := s.dial()
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { c.Close() })
		_ = tcpOf(c).SetReadBuffer(4 << 10)
		go func() { // ends with the connection
			for request := strings.Repeat("GET "+path+" HTTP/1.1\r\nHost: h\r\n\r\n", 500); ; {
				if _, err := io.WriteString(c, request); err != nil {
					return
				}
			}
		}()
		conns = append(conns, c)
	}
	return conns
}

// Whatever makes an answer, its client cannot hold the connection by taking nothing: with all connections held so, the
// next client is served, and an upstream's connections are free again.
func TestFault_C4_NobodyHoldsAConnectionByNotReading(t *testing.T) {
	t.Parallel()
	page := strings.Repeat("x", 200<<10)
	var atUpstream atomic.Int64
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		atUpstream.Add(1)
		defer atUpstream.Add(-1)
		for range 1000 {
			if _, err := io.WriteString(w, page); err != nil {
				return
			}
		}
	}))
	t.Cleanup(up.Close)
	dir := project(t, map[string]string{
		"app.py": `
import time
def app(environ, start_response):
    page = b"x" * (200 << 10)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(page)))])
    return [page]
`,
		"assets/small.css": page[:50<<10], "assets/large.bin": strings.Repeat(page, 100), "busy.html": page,
		"standpipe.toml": fmt.Sprintf(`
error_page = { 404 = "busy.html" }
[limits]
max_connections = 6
send_timeout = "1s"
[[app]]
name = "a"
module = "app:app"
workers = 1
hosts = ["h", "127.0.0.1"]
[[static]]
url = "/assets/"
dir = "assets"
missing = "404"
[[route]]
handler = "proxy"
path = "/up"
upstreams = [%q]
`, up.URL)})
	s := start(t, opts{Dir: dir, Listen: []string{"127.0.0.1:0", "uwsgi://127.0.0.1:0"}})
	for _, path := range []string{"/", "/livez", "/assets/none", "/assets/small.css", "/assets/large.bin", "/up"} {
		if s.over == h2 && path == "/livez" {
			continue // its answers never fill a window
		}
		s.pushing(6, path)
		s.want(200, "/livez", "Connection: close")
		eventually(t, "a page for a client that reads", func() bool { // this one, too, may stand still for a second
			r, err := s.try(s.request("GET", "/", nil, "Connection: close"))
			return err == nil && r.Status == 200 && r.Body == page
		})
	}
	eventually(t, "the upstream's connections are let go", func() bool { return atUpstream.Load() == 0 })
	s.waitEvent("slow_client")
	tcp, _ := s.uwsgiAddresses()
	for range 6 {
		c, err := net.Dial("tcp", tcp)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = c.(*net.TCPConn).SetReadBuffer(4 << 10)
		io.WriteString(c, uwsgiPacket("REQUEST_METHOD=GET", "REQUEST_URI=/assets/large.bin", "PATH_INFO=/assets/large.bin", "QUERY_STRING=", "SERVER_PROTOCOL=HTTP/1.1", "HTTP_HOST=h"))
	}
	s.want(200, "/livez", "Connection: close")
}

// A client that takes something now and then is below min_rate all the same; send_timeout = 0 is no limit at all.
func TestFault_C4_MinRate(t *testing.T) {
	t.Parallel()
	read := func(s *server, end chan struct{}) error {
		c := s.pushing(1, "/")[0]
		_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
		for buf := make([]byte, 8<<10); ; time.Sleep(5 * time.Millisecond) { // slower than 1 GiB/s, and never silent
			if _, err := c.Read(buf); err != nil {
				return err
			}
			select {
			case <-end:
				return nil
			default:
			}
		}
	}
	dir := project(t, map[string]string{"app.py": hello(strings.Repeat("x", 200<<10))})
	fast := start(t, opts{Dir: dir, App: "app:app", Args: []string{"-w", "1", "--send-timeout", "1s", "--min-rate", "1GiB"}})
	free := start(t, opts{Dir: dir, App: "app:app", Args: []string{"-w", "1", "--send-timeout", "0", "--min-rate", "1GiB"}})
	end, unlimited := make(chan struct{}), make(chan error, 1)
	go func() { unlimited <- read(free, end) }()
	if err := read(fast, nil); err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("below min_rate: %v", err)
	}
	close(end)
	if err := <-unlimited; err != nil {
		t.Errorf("without a limit: %v", err)
	}
}
