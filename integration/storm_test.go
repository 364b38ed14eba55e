package integration

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func descriptors(pid int) int {
	list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return len(list)
}

func threads(pid int) int {
	list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	return len(list)
}

// 10,000 requests with bodies of their own, a third of which end too early, somewhere: every answer is that of its request,
// close() runs once for each iterable that was begun, and nothing is lost or left.
func TestStormOfAbortedRequests(t *testing.T) {
	for _, buffering := range []string{"on", "off"} {
		t.Run(buffering, func(t *testing.T) { storm(t, buffering, 5000) })
	}
}

func storm(t *testing.T, buffering string, requests int) {
	spool, recorded := t.TempDir(), filepath.Join(t.TempDir(), "record")
	s := uploads(t, spool, opts{Env: []string{"RECORD_FILE=" + recorded},
		Args: []string{"-w", "2", "--threads", "8", "--request-buffering", buffering, "--access-log", "off"}})
	for range 16 { // with a large body: a worker opens its shared memory for the first one
		s.want(200, "/both?id=1&mb=1")
	}
	pids := s.workers()
	look := func() (fds []int, tasks []int) {
		for _, pid := range append([]int{s.Pid}, pids...) {
			fds = append(fds, descriptors(pid))
		}
		for _, pid := range pids {
			tasks = append(tasks, threads(pid))
		}
		return fds, tasks
	}
	fds, tasks := look()
	memory := rssOf(s.Pid)
	var number, whole atomic.Int64
	completed := make([]atomic.Bool, requests+1)
	var clients sync.WaitGroup
	for c := range 24 {
		rnd := rand.New(rand.NewPCG(uint64(c), 11))
		clients.Go(func() {
			var conn net.Conn
			defer func() {
				if conn != nil {
					conn.Close()
				}
			}()
			var br *bufio.Reader
			for {
				n := int(number.Add(1))
				if n > requests {
					return
				}
				if conn == nil {
					var err error
					if conn, err = s.dial(); err != nil {
						t.Error(err)
						return
					}
					_ = conn.SetDeadline(time.Now().Add(bootPatience)) // of several requests
					br = bufio.NewReader(conn)
				}
				size, pad := rnd.IntN(2000), rnd.IntN(3000)
				if n%20 == 0 {
					size += 200_000
				}
				if n%10 == 0 {
					pad += 300_000
				}
				body := bytes.Repeat([]byte(fmt.Sprintf("%06d|", n)), size/7+1)
				head := fmt.Sprintf("POST /own?id=%d&pad=%d HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", n, pad, len(body))
				all := append([]byte(head), body...)
				abort := n%3 == 0
				if abort && n%2 == 0 { // within the request
					_, _ = conn.Write(all[:rnd.IntN(len(all))])
					conn.Close()
					conn = nil
					continue
				}
				if _, err := conn.Write(all); err != nil {
					t.Errorf("%d: %v", n, err)
					return
				}
				if abort { // before its answer, or within
					_, _ = io.CopyN(io.Discard, br, int64(rnd.IntN(2)*rnd.IntN(pad+1)))
					conn.Close()
					conn = nil
					continue
				}
				resp, err := http.ReadResponse(br, nil)
				if err != nil {
					t.Errorf("%d: %v", n, err)
					return
				}
				b, err := io.ReadAll(resp.Body)
				want := fmt.Sprintf("%d %s%s", n, hexSum(body), strings.Repeat(" ", pad))
				if err != nil || resp.StatusCode != 200 || string(b) != want {
					t.Errorf("%d: %d %v %.100q, want %.100q", n, resp.StatusCode, err, b, want)
					return
				}
				whole.Add(1)
				completed[n].Store(true)
			}
		})
	}
	clients.Wait()
	if n := int(whole.Load()); n != requests-requests/3 {
		t.Errorf("%d whole answers of %d requests", n, requests)
	}
	var starts, closes []int
	eventually(t, "every iterable that was begun is closed, once", func() bool {
		b, _ := os.ReadFile(recorded)
		starts, closes = make([]int, requests+1), make([]int, requests+1)
		for line := range strings.Lines(string(b)) {
			what, id, _ := strings.Cut(strings.TrimSpace(line), " ")
			n, err := strconv.Atoi(id)
			if err != nil {
				t.Fatal(line)
			}
			if what == "start" {
				starts[n]++
			} else {
				closes[n]++
			}
		}
		if fmt.Sprint(starts) != fmt.Sprint(closes) {
			return false
		}
		now, count := look()
		for i := range now {
			if now[i] > fds[i] {
				return false
			}
		}
		return fmt.Sprint(count) == fmt.Sprint(tasks)
	})
	for n := range starts {
		if starts[n] > 1 || starts[n] == 0 && completed[n].Load() {
			t.Errorf("%d was begun %d times", n, starts[n])
		}
	}
	if now := s.workers(); fmt.Sprint(now) != fmt.Sprint(pids) {
		t.Errorf("workers %v, then %v", pids, now)
	}
	for _, r := range s.log() {
		switch r.event() {
		case "worker_exit", "app_error", "request_timeout", "request_failed", "bad_response", "panic", "http":
			t.Errorf("%v", r)
		}
	}
	if out := s.output(); len(out) > 0 {
		t.Errorf("%.1000q", out)
	}
	if grown := rssOf(s.Pid) - memory; grown > 200<<20 {
		t.Errorf("Go's memory grew by %d MiB", grown>>20)
	}
	noneSpooled(t, spool)
	s.want(200, "/pid")
}

// ticks is the processor time of a process, in 1/100 s.
func ticks(t testing.TB, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return user + system
}

// 200 clients that send a byte now and then and 100 that take a little of 5 MB each, and one worker: it serves the next
// request before any of them has ended, and is idle.
func TestSlowClientsOnBothSides(t *testing.T) {
	b, _ := slowReaders(t, "-w", "1", "--body-timeout", "10m", "--send-timeout", "10m") // which are slow on purpose
	b.want(200, "/pid")
	pid := b.workers()[0]
	memory := rssOf(b.Pid) + rssOf(pid)
	var up, down []net.Conn
	for i := range 100 {
		down = append(down, b.lazy(fmt.Sprintf("/big?mb=5&id=%d", i)))
	}
	for range 200 {
		c, err := b.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "POST /pid HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n")
		up = append(up, c)
	}
	within(t, bootPatience, "the app has made all answers", func() bool {
		n := 0
		for _, line := range b.recordedLines() {
			if strings.HasPrefix(line, "close ") {
				n++
			}
		}
		return n == len(down)
	})
	for _, c := range down {
		_ = c.SetDeadline(time.Now().Add(patience))
	}
	began, worked := time.Now(), ticks(t, pid)
	piece := make([]byte, 2500)
	for range 10 { // a while of their rhythm: 4 bytes up and 10 KB down a second
		for _, c := range up {
			if _, err := c.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range down {
			if _, err := io.ReadFull(c, piece); err != nil {
				t.Fatal(err)
			}
		}
		b.want(200, "/pid")
		time.Sleep(100 * time.Millisecond) // their rhythm, not a wait for anything
	}
	if used, took := ticks(t, pid)-worked, time.Since(began); used > int(took/(100*time.Millisecond)) {
		t.Errorf("the worker has worked %d0 ms in %v", used, took)
	}
	if grown := rssOf(b.Pid) + rssOf(pid) - memory; grown > 150<<20 {
		t.Errorf("%d MiB more: standpipe has %d, the worker %d", grown>>20, rssOf(b.Pid)>>20, rssOf(pid)>>20)
	} else {
		t.Logf("%d MiB more", grown>>20)
	}
}
