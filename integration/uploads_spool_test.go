package integration

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Anonymous clients cannot fill the disk: of 50 uploads ten have room, and the others hear so while no worker is free.
func TestUploadsBeyondSpoolTotal(t *testing.T) {
	t.Parallel()
	const n, room, size = 50, 10, 1 << 20
	spool := t.TempDir()
	s := uploads(t, spool, opts{Args: []string{"-w", "1", "--spool-total", fmt.Sprint(room * size)}})
	g := newGate(t)
	waiting := s.background("/gate?path=" + g.path)
	s.printed("at the gate")
	body := strings.Repeat("x", size)
	status := make(chan int, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			a, err := s.try(s.from(i, "/sum", strings.NewReader(body)))
			if err != nil {
				t.Error(err)
				return
			}
			if a.Status == 503 && a.Header.Get("Retry-After") == "" {
				t.Error("503 without Retry-After")
			}
			status <- a.Status
		})
		if i < room-4 {
			eventually(t, "it waits for the worker, as a whole", func() bool { return s.status().Apps[0].Waiting == i+1 })
		}
	}
	// As many as have room: the others come at the same time, and none of these may have all of it.
	eventually(t, "the others' answers before the gate opens", func() bool { return len(status)+len(spooled(t, spool)) == n && len(status) >= n-room })
	if files := spooled(t, spool); len(files) > room || len(files) < room-4 {
		t.Errorf("%d files", len(files))
	}
	// Before 100 Continue, and a small body has room.
	if a := s.raw(fmt.Sprintf("POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n", 5*size)); !strings.HasPrefix(a, "HTTP/1.1 503 ") {
		t.Errorf("%q", a)
	}
	small := make(chan int, 1)
	go func() {
		a, err := s.try(s.request("POST", "/sum", strings.NewReader("small")))
		if err == nil {
			small <- a.Status
		}
		close(small)
	}()
	taken := len(spooled(t, spool))
	g.open(t)
	all.Wait()
	waiting.wait(t)
	if got := <-small; got != 200 {
		t.Errorf("a small body: %d", got)
	}
	close(status)
	count := map[int]int{}
	for c := range status {
		count[c]++
	}
	if count[503] != n-taken || count[200] != taken {
		t.Errorf("%v, with %d files", count, taken)
	}
	noneSpooled(t, spool)
	if a := s.post("/sum", "text/plain", strings.Repeat(body, room/4)); a.Status != http.StatusOK { // all the room is there again
		t.Errorf("%d %q", a.Status, a.Body)
	}
	onceAMinute(t, s.events("spool_full"), spool)
}

// onceAMinute wants records about the folder, at most one a minute.
func onceAMinute(t testing.TB, list []record, dir string) {
	t.Helper()
	if len(list) == 0 {
		t.Error("no record")
	}
	for i, r := range list {
		if !strings.HasPrefix(r.str("dir"), dir) || i > 0 && r.time(t).Sub(list[i-1].time(t)) < 59*time.Second {
			t.Errorf("%v", list)
		}
	}
}

// What is declared and does not come reserves nothing: hundred of those keep no upload out.
func TestFault_C5_DeclaredBodiesReserveNothing(t *testing.T) {
	t.Parallel()
	const share = 4 << 20
	s := uploads(t, t.TempDir(), opts{Args: []string{"-w", "1", "--spool-total", fmt.Sprint(4 * share)}})
	for range 100 {
		c, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		fmt.Fprintf(c, "POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\nxx", share)
	}
	if a := s.post("/sum", "text/plain", strings.Repeat("x", share)); a.Status != 200 {
		t.Errorf("%d %q", a.Status, a.Body)
	}
}

// One client has more than a quarter of spool_total only if it leaves as much free, and what is beyond that is 503 with
// Retry-After; another client's uploads have room.
func TestFault_C5_NoClientTakesAll(t *testing.T) {
	t.Parallel()
	const share = 4 << 20
	s := uploads(t, t.TempDir(), opts{Args: []string{"-w", "2", "--spool-total", fmt.Sprint(4 * share)}})
	g := newGate(t)
	part := strings.Repeat("x", share/4*5)
	first := make(chan *response, 1)
	go func() {
		r, err := s.try(s.from(1, "/gate?path="+g.path, strings.NewReader(part)))
		if err != nil {
			t.Error(err)
		}
		first <- r
	}()
	s.printed("at the gate")
	for _, chunked := range []bool{false, true} {
		req := s.from(1, "/sum", strings.NewReader(part))
		if chunked {
			req.ContentLength = -1
		}
		if r := s.do(req); r.Status != 503 || r.Header.Get("Retry-After") == "" {
			t.Errorf("the same client, chunked %v: %d %v", chunked, r.Status, r.Header)
		}
		if r := s.do(s.from(2, "/sum", strings.NewReader(part))); r.Status != 200 {
			t.Errorf("another client: %d", r.Status)
		}
	}
	if r := s.do(s.from(1, "/sum", strings.NewReader("small"))); r.Status != 200 {
		t.Errorf("a small body of the first: %d", r.Status)
	}
	g.open(t)
	if r := <-first; r == nil || r.Status != 200 {
		t.Errorf("%v", r)
	}
	if r := s.do(s.from(1, "/sum", strings.NewReader(part))); r.Status != 200 {
		t.Errorf("the first client again: %d", r.Status)
	}
	if list := s.events("spool_full"); len(list) == 0 || list[0].str("client") != "192.0.2.1" {
		t.Errorf("%v", list)
	}
}

// Answers have a budget of their own: slow readers that fill it do not refuse an upload.
func TestFault_C5_AnswersApartFromBodies(t *testing.T) {
	t.Parallel()
	b, _ := slowReaders(t, "--response-memory", "64KiB", "--answer-total", "4MiB", "--spool-total", "4MiB")
	b.lazy("/big?mb=50&id=slow")
	eventually(t, "the client's share is full", func() bool { s := b.spilled(); return len(s) == 1 && s[0] > 900<<10 })
	b.waitEvent("answer_spool")
	c, err := b.dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
	fmt.Fprintf(c, "POST /pid HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", 1<<20)
	line, err := bufio.NewReader(c).ReadString('\n')
	if !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		t.Errorf("an upload: %q, %v", line, err)
	}
}

// A spool in memory is said at the start, with what it may take.
func TestFault_C5_SpoolInMemoryIsSaid(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("/dev/shm", "standpipe-test-")
	if err != nil {
		skip(t, "os", err.Error())
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	var st syscall.Statfs_t
	if syscall.Statfs(dir, &st) != nil || st.Type != 0x01021994 {
		skip(t, "os", "/dev/shm is no tmpfs")
	}
	s := uploads(t, dir, opts{})
	if r := s.waitEvent("spool_in_memory"); !strings.HasPrefix(r.str("dir"), dir) || r.str("spool_total") == "" || r.str("answer_total") == "" {
		t.Errorf("%v", r)
	}
}

// A killed standpipe leaves its folder; the next one removes it, and not that of one that lives.
func TestSpoolIsSwept(t *testing.T) {
	t.Parallel()
	spool := t.TempDir()
	g := newGate(t)
	hold := func() *server {
		s := uploads(t, spool, opts{Exit: -1, Args: []string{"-w", "1"}})
		c, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := fmt.Fprintf(c, "POST /gate?path=%s HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n%s", g.path, strings.Repeat("x", 100_000)); err != nil {
			t.Fatal(err)
		}
		s.printed("at the gate")
		return s
	}
	dead, alive := hold(), hold()
	dead.workers() // remembered: they go with it
	kill(t, dead.Pid)
	dead.wait()
	if n := len(spooled(t, spool)); n != 2 {
		t.Fatalf("%d files", n)
	}
	next := uploads(t, spool, opts{})
	if r := next.waitEvent("spool_swept"); r.str("folders") != "1" || r.str("dir") != spool {
		t.Errorf("%v", r)
	}
	if n := len(spooled(t, spool)); n != 1 {
		t.Errorf("%d files", n)
	}
	g.open(t)
	noneSpooled(t, spool)
	_ = alive
}

// A full disk is answered, and said once; what fits into memory is served.
func TestUploadsOnAFullDisk(t *testing.T) {
	t.Parallel()
	spool := t.TempDir()
	if err := syscall.Mount("none", spool, "tmpfs", 0, "size=1m"); err != nil {
		skip(t, "root", "mounts a small tmpfs: "+err.Error())
	}
	t.Cleanup(func() { _ = syscall.Unmount(spool, syscall.MNT_DETACH) })
	s := uploads(t, spool, opts{})
	for range 3 {
		a := s.raw(fmt.Sprintf("POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", 20<<20, strings.Repeat("x", 20<<20)))
		if !strings.HasPrefix(a, "HTTP/1.1 507 ") {
			t.Fatalf("%.300q", a)
		}
	}
	if a := s.post("/sum", "text/plain", "small"); a.Status != 200 {
		t.Errorf("%d %q", a.Status, a.Body)
	}
	if a := s.post("/sum", "text/plain", strings.Repeat("x", 500_000)); a.Status != 200 {
		t.Errorf("%d %q", a.Status, a.Body)
	}
	noneSpooled(t, spool)
	onceAMinute(t, s.events("spool_full"), spool)
}
