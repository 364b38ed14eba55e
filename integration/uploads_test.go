package integration

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// uploads starts the app of that name with a spool folder of its own. Its requests may wait long at a gate, and for the boot of a worker.
func uploads(t testing.TB, spool string, o opts) *server {
	t.Helper()
	o.Dir = appDir(t, "uploads")
	o.App = "app:app"
	o.Args = append([]string{"--spool-dir", spool, "--timeout", "10m", "--queue-timeout", "10m"}, o.Args...)
	return start(t, o)
}

// spooled are the files of large bodies beneath dir.
func spooled(t testing.TB, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func noneSpooled(t testing.TB, dir string) {
	t.Helper()
	eventually(t, "no spooled file is left", func() bool { return len(spooled(t, dir)) == 0 })
}

// received is what the app says of a body.
type received struct {
	Path    string
	Regular bool
	Keys    []string
	Size    int64
	SHA256  string
}

func parseReceived(t testing.TB, body string) received {
	t.Helper()
	var r received
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatalf("%v: %q", err, body)
	}
	return r
}

// A large body reaches the app as the very file that Go wrote; a small one as memory.
func TestLargeUploadIsAFile(t *testing.T) {
	t.Parallel()
	spool := t.TempDir()
	s := uploads(t, spool, opts{})
	data := make([]byte, 64<<20)
	if _, err := io.ReadFull(rand.NewChaCha8([32]byte{1}), data); err != nil {
		t.Fatal(err)
	}
	for _, threads := range []string{"1", "4"} {
		if threads != "1" {
			s = uploads(t, spool, opts{Args: []string{"--threads", threads}})
		}
		for _, size := range []int{1000, 64 << 10, 64<<10 + 1, len(data)} {
			for _, chunked := range []bool{false, true} {
				var body io.Reader = bytes.NewReader(data[:size])
				if chunked {
					body = io.MultiReader(body) // of unknown length
				}
				a := s.do(s.request("POST", "/sum", body))
				if a.Status != 200 {
					t.Fatalf("%d bytes: %d %q", size, a.Status, a.Body)
				}
				r := parseReceived(t, a.Body)
				sum := sha256.Sum256(data[:size])
				if r.Size != int64(size) || r.SHA256 != hex.EncodeToString(sum[:]) || len(r.Keys) != 0 {
					t.Errorf("%d bytes, chunked %v: %+v", size, chunked, r)
				}
				if large := size > 64<<10; r.Regular != large || strings.HasPrefix(r.Path, spool+"/") != large {
					t.Errorf("%d bytes, chunked %v: wsgi.input is %+v", size, chunked, r)
				}
			}
		}
		noneSpooled(t, spool)
		s.stop()
		if left, _ := os.ReadDir(spool); len(left) != 0 {
			t.Errorf("left after the stop: %v", left)
		}
	}
}

// However the request ends, the file goes.
func TestUploadedFilesGo(t *testing.T) {
	t.Parallel()
	spool := t.TempDir()
	s := uploads(t, spool, opts{Args: []string{"-w", "1", "--body-timeout", "8s"}})
	body := strings.Repeat("x", 1<<20)
	for path, status := range map[string]int{"/fail": 500, "/die": 502, "/sum": 200} {
		if a := s.post(path, "text/plain", body); a.Status != status {
			t.Errorf("%s: %d %q", path, a.Status, a.Body)
		}
		noneSpooled(t, spool)
	}
	g := newGate(t)
	send := func(n int) io.Closer {
		c, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(c, "POST /gate?path=%s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", g.path, len(body), body[:n]); err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := send(len(body))
	s.printed("at the gate")
	if n := len(spooled(t, spool)); n != 1 {
		t.Errorf("%d files while the app holds its request", n)
	}
	s.waitWorkers(1)
	kill(t, s.workers()[0])
	noneSpooled(t, spool)
	c.Close()

	c = send(len(body))
	eventually(t, "the app runs again", func() bool { return strings.Count(strings.Join(s.output(), "\n"), "at the gate") == 2 })
	c.Close() // while the app runs
	noneSpooled(t, spool)
	g.open(t)

	c = send(len(body) / 2)
	eventually(t, "half a body is there", func() bool { return len(spooled(t, spool)) == 1 })
	c.Close() // within the body
	noneSpooled(t, spool)

	c = send(len(body) / 2) // and one that stalls: 408
	defer c.Close()
	eventually(t, "half a body is there", func() bool { return len(spooled(t, spool)) == 1 })
	noneSpooled(t, spool)
	s.waitAccess(`"POST /gate.* 408 `)
}

func (s *server) waitWorkers(n int) {
	s.t.Helper()
	eventually(s.t, "the workers are there", func() bool { return len(s.workers()) == n })
}

func kill(t testing.TB, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// from is a request of a client, told by a proxy that is trusted.
func (s *server) from(client int, path string, body io.Reader) *http.Request {
	return s.request("POST", path, body, fmt.Sprintf("X-Forwarded-For: 192.0.2.%d", client))
}

// A body that trickles is 408, though it is never silent.
func TestFault_C5_MinRateOfBodies(t *testing.T) {
	t.Parallel()
	for _, buffering := range []string{"on", "off"} {
		s := uploads(t, t.TempDir(), opts{Args: []string{"-w", "1", "--body-timeout", "2s", "--min-rate", "1MiB", "--request-buffering", buffering}})
		c, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
		fmt.Fprintf(c, "POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n")
		go func() { // ends with the connection
			for {
				if _, err := io.WriteString(c, "x"); err != nil {
					return
				}
				time.Sleep(100 * time.Millisecond) // a trickle
			}
		}()
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != 408 {
			t.Errorf("request_buffering %s: %v %v", buffering, resp, err)
		}
	}
}

// A worker in another mount namespace cannot see the file: the body comes in frames, and a line says so once.
func TestUploadToAWorkerThatCannotSeeTheFile(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		skip(t, "root", "makes a mount namespace")
	}
	if err := exec.Command("unshare", "-m", "true").Run(); err != nil {
		skip(t, "no-program", "unshare -m: "+err.Error())
	}
	spool, dir := t.TempDir(), t.TempDir()
	wrapper := filepath.Join(dir, "python3")
	script := fmt.Sprintf("#!/bin/sh\nexec unshare -m sh -c 'mount -t tmpfs none \"%s\" && exec python3 \"$@\"' - \"$@\"\n", spool)
	putProgram(t, wrapper, []byte(script))
	s := uploads(t, spool, opts{Python: wrapper, Args: []string{"-w", "1"}})
	body := strings.Repeat("0123456789", 500_000)
	sum := sha256.Sum256([]byte(body))
	for range 2 {
		a := s.post("/sum", "text/plain", body)
		if a.Status != 200 {
			t.Fatalf("%d %q", a.Status, a.Body)
		}
		r := parseReceived(t, a.Body)
		if r.Regular || r.Size != int64(len(body)) || r.SHA256 != hex.EncodeToString(sum[:]) || len(r.Keys) != 0 {
			t.Errorf("%+v", r)
		}
	}
	noneSpooled(t, spool)
	s.waitEvent("body_file_unreadable")
	if n := len(s.events("body_file_unreadable")); n != 1 {
		t.Errorf("%d lines", n)
	}
}

// An app that runs while its body comes asks for it by its first read: 100 Continue goes out then,
// and not at all when it answers without.
func TestContinueGoesOutWhenTheAppReads(t *testing.T) {
	onlyOver(t, "net/http does not tell that a stream expects 100 Continue", http1, https)
	t.Parallel()
	s := uploads(t, t.TempDir(), opts{Args: []string{"-w", "1", "--request-buffering", "off"}})
	for _, framing := range []string{"Content-Length: 5", "Transfer-Encoding: chunked"} {
		for path, reads := range map[string]bool{"/sum": true, "/pid": false} {
			c, err := s.dial()
			if err != nil {
				t.Fatal(err)
			}
			_ = c.SetDeadline(time.Now().Add(patience))
			fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n%s\r\n\r\n", path, framing)
			br := bufio.NewReader(c)
			line, err := br.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if (line == "HTTP/1.1 100 Continue\r\n") != reads {
				t.Fatalf("%s, %s: %q", path, framing, line)
			}
			if reads {
				if line, err = br.ReadString('\n'); err != nil || line != "\r\n" {
					t.Fatalf("%q %v", line, err)
				}
				if strings.HasPrefix(framing, "T") {
					_, err = io.WriteString(c, "5\r\nhello\r\n0\r\n\r\n")
				} else {
					_, err = io.WriteString(c, "hello")
				}
				if err != nil {
					t.Fatal(err)
				}
				if line, err = br.ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
			if line != "HTTP/1.1 200 OK\r\n" {
				t.Errorf("%s, %s: %q", path, framing, line)
			}
			c.Close()
		}
	}
}
