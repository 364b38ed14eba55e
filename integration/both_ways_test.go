package integration

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// duplex is a connection whose answers are read while it is written to.
type duplex struct {
	net.Conn
	t  *testing.T
	br *bufio.Reader
}

func (s *server) duplex(t *testing.T) *duplex {
	t.Helper()
	c, err := s.dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(bootPatience))
	return &duplex{c, t, bufio.NewReaderSize(c, 64<<10)}
}

func (d *duplex) answer() *http.Response {
	d.t.Helper()
	resp, err := http.ReadResponse(d.br, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return resp
}

// next is one more request on the connection, which must be where the first one ended.
func (d *duplex) next() {
	d.t.Helper()
	if _, err := io.WriteString(d, "GET /pid HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		d.t.Fatal(err)
	}
	resp := d.answer()
	if b, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 || strings.Trim(string(b), "0123456789") != "" {
		d.t.Errorf("the next request: %d %.100q %v", resp.StatusCode, b, err)
	}
}

func chaCha(n byte) io.Reader { return rand.NewChaCha8([32]byte{n}) }

// readSum reads an answer of so many bytes and the sha256 of the request's body behind them.
func readSum(r io.Reader, size int64) (answer string, body string, err error) {
	h := sha256.New()
	if _, err := io.CopyN(h, r, size); err != nil {
		return "", "", err
	}
	rest, err := io.ReadAll(r)
	return hexOf(h), string(rest), err
}

func hexOf(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// 50 MB up while 50 MB come down, from an app that writes all before it reads, and a body that is never read.
func TestBothWaysAtOnce(t *testing.T) {
	t.Parallel()
	const mb = 50
	made := madeSum(t, "x", mb)
	for _, buffering := range []string{"on", "off"} {
		for _, threads := range []string{"1", "4"} {
			t.Run(buffering+", threads "+threads, func(t *testing.T) {
				s := uploads(t, t.TempDir(), opts{Args: []string{"-w", "1", "--threads", threads, "--request-buffering", buffering}})
				d := s.duplex(t)
				for _, path := range []string{"/both?id=x&mb=50", "/deaf"} {
					up := sha256.New()
					sent := make(chan error, 1)
					go func() {
						_, err := fmt.Fprintf(d, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", path, mb<<20)
						if err == nil {
							_, err = io.CopyN(io.MultiWriter(d, up), chaCha(1), mb<<20)
						}
						sent <- err
					}()
					resp := d.answer()
					var down, told string
					var err error
					if path == "/deaf" {
						var b []byte
						b, err = io.ReadAll(resp.Body)
						down, told = made, string(b)
					} else {
						down, told, err = readSum(resp.Body, mb<<20)
					}
					if serr := <-sent; err != nil || serr != nil || resp.StatusCode != 200 {
						t.Fatalf("%s: %d, received: %v, sent: %v", path, resp.StatusCode, err, serr)
					}
					if want := map[string]string{"/deaf": "not read"}[path]; want == "" && told != hexOf(up) || want != "" && told != want || down != made {
						t.Errorf("%s: up %.100q, down %s", path, told, down)
					}
					d.next()
				}
			})
		}
	}
}

// madeSum is the sha256 of the bytes that apps/uploads makes of a seed, made by Python itself.
func madeSum(t testing.TB, id string, mb int) string {
	t.Helper()
	out, err := exec.Command("python3", "-c", fmt.Sprintf(`
import hashlib, random
source, digest = random.Random(%q), hashlib.sha256()
for _ in range(%d):
    digest.update(source.getrandbits(8 << 20).to_bytes(1 << 20, "big"))
print(digest.hexdigest())`, id, mb)).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

const echoApp = `
from flask import Flask, Response, request

app = Flask(__name__)


@app.post("/echo")
def echo():
    stream = request.stream
    def pieces():
        while True:
            piece = stream.read(5)
            if not piece:
                return
            yield piece.upper()
    return Response(pieces(), mimetype="text/plain")


@app.post("/read")
def read():
    return str(len(request.stream.read()))


@app.get("/pid")
def pid():
    return "1"
`

// A Flask view works on a body that its client is still sending: a piece is sent when the answer to the one before it is here.
func TestFlaskWorksWhileItReceives(t *testing.T) {
	t.Parallel()
	for _, threads := range []string{"1", "4"} {
		t.Run("threads "+threads, func(t *testing.T) {
			t.Parallel()
			dir := project(t, map[string]string{"app.py": echoApp})
			serves := func(args ...string) *server {
				return start(t, opts{App: "app:app", Dir: dir, Python: python(t), Args: append([]string{"-w", "1", "--threads", threads, "--request-buffering", "off", "--max-body", "1MiB"}, args...)})
			}
			s := serves("--timeout", "5s", "--body-timeout", "1m")
			for _, chunked := range []bool{false, true} {
				d := s.duplex(t)
				const pieces = 20
				framing := fmt.Sprintf("Content-Length: %d", 5*pieces)
				form := "%s"
				if chunked {
					framing, form = "Transfer-Encoding: chunked", "5\r\n%s\r\n"
				}
				fmt.Fprintf(d, "POST /echo HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", framing)
				var resp *http.Response
				for i := range pieces {
					piece := fmt.Sprintf("ab%03d", i)
					if i == pieces/2 {
						time.Sleep(6 * time.Second) // longer than the app may take: the client's time does not count
					}
					fmt.Fprintf(d, form, piece)
					if resp == nil {
						resp = d.answer()
					}
					got := make([]byte, 5)
					if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != strings.ToUpper(piece) {
						t.Fatalf("piece %d: %q %v", i, got, err)
					}
				}
				if chunked {
					fmt.Fprint(d, "0\r\n\r\n")
				}
				if b, err := io.ReadAll(resp.Body); len(b) > 0 || err != nil {
					t.Errorf("%q %v", b, err)
				}
				if !chunked {
					d.next()
				}
			}
			// A client that stalls, one that sends too much, one that leaves: the worker is free and has not been replaced.
			s = serves("--body-timeout", "5s")
			before := s.want(200, "/pid")
			pid := s.workers()
			for _, c := range []struct{ request, status string }{
				{"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx", "408"},
				{"POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1ffff0\r\n" + strings.Repeat("x", 0x1ffff0), "413"},
			} {
				if a := s.raw(c.request); !strings.HasPrefix(a, "HTTP/1.1 "+c.status) {
					t.Errorf("%s: %.100q", c.status, a)
				}
			}
			d := s.duplex(t)
			fmt.Fprint(d, "POST /read?left HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx")
			eventually(t, "the app reads", func() bool { return strings.Contains(fmt.Sprint(s.status().Apps[0].Processes), "/read?left") })
			d.Close()
			s.waitAccess(`"POST /read\?left.* 499 `)
			if after := s.want(200, "/pid"); after.Body != before.Body || fmt.Sprint(s.workers()) != fmt.Sprint(pid) {
				t.Errorf("workers %v, then %v", pid, s.workers())
			}
			for _, name := range []string{"app_error", "request_timeout", "worker_exit", "request_failed", "bad_response"} {
				if list := s.events(name); len(list) > 0 {
					t.Errorf("%v", list)
				}
			}
		})
	}
}

// A body much larger than Go's memory goes to the app as the one file that it was put into.
func TestHugeUpload(t *testing.T) {
	size := int64(1 << 30)
	if v := os.Getenv("STANDPIPE_BIG"); v != "" {
		var n int64
		if _, err := fmt.Sscanf(v, "%dGiB", &n); err != nil {
			t.Fatalf("STANDPIPE_BIG: %q: %v", v, err)
		}
		size = n << 30
	}
	spool := t.TempDir()
	var fs syscall.Statfs_t
	if err := syscall.Statfs(spool, &fs); err == nil && int64(fs.Bavail)*int64(fs.Bsize) < size+size/4 {
		skip(t, "disk", fmt.Sprintf("needs %d bytes of disk", size+size/4))
	}
	s := uploads(t, spool, opts{Args: []string{"-w", "1", "--max-body", "0", "--spool-total", "0"}})
	s.want(200, "/pid")
	before, most, files, used := rssOf(s.Pid), int64(0), 0, int64(0)
	stop := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			most = max(most, rssOf(s.Pid))
			list, sum := spooled(t, spool), int64(0)
			for _, f := range list {
				if st, err := os.Stat(f); err == nil {
					sum += st.Sys().(*syscall.Stat_t).Blocks * 512
				}
			}
			files, used = max(files, len(list)), max(used, sum)
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond): // the rhythm of looking
			}
		}
	})
	piece := make([]byte, 8<<20)
	_, _ = io.ReadFull(chaCha(2), piece)
	d := s.duplex(t)
	_ = d.SetDeadline(time.Now().Add(10 * time.Minute))
	fmt.Fprintf(d, "POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", size)
	h := sha256.New()
	for n := int64(0); n < size; n += int64(len(piece)) {
		piece[n>>23%8]++
		if _, err := d.Write(piece); err != nil {
			t.Fatal(err)
		}
		h.Write(piece)
	}
	resp := d.answer()
	b, err := io.ReadAll(resp.Body)
	close(stop)
	watch.Wait()
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%d %q %v", resp.StatusCode, b, err)
	}
	r := parseReceived(t, string(b))
	if r.Size != size || r.SHA256 != hexOf(h) || !r.Regular || filepath.Dir(filepath.Dir(r.Path)) != spool {
		t.Errorf("%+v, want %s", r, hexOf(h))
	}
	if files != 1 || used > size+1<<20 {
		t.Errorf("%d files with %d bytes for a body of %d", files, used, size)
	}
	if grown := most - before; grown > 64<<20 {
		t.Errorf("Go's memory grew by %d MiB", grown>>20)
	} else {
		t.Logf("%d MiB up: Go grew by %d KiB", size>>20, grown>>10)
	}
	noneSpooled(t, spool)
	d.next()
}
