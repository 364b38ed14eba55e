package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// recordsApp answers /NAME/N with N records of 32 bytes that name NAME and their number, so that each byte can be checked.
const recordsApp = `
import itertools, os
calls = itertools.count(1)

def app(environ, start_response):
    name, count = environ["PATH_INFO"].split("/")[1:3]
    body = b"".join(b"%-20.20s%11d\n" % (name.encode(), i) for i in range(int(count)))
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body))), ("Cache-Control", "max-age=3600"),
                              ("ETag", '"%s"' % name), ("X-Call", "%d-%d" % (os.getpid(), next(calls)))])
    return [body]
`

// storedHost is what the requests of this file are for: the port, which differs from start to start, is part of what answers are stored for.
const storedHost = "Host: shop.example"

func recordsBody(name string, count int) string {
	var b strings.Builder
	for i := range count {
		fmt.Fprintf(&b, "%-20.20s%11d\n", name, i)
	}
	return b.String()
}

// filesServer has its stored answers in cache, below dir.
func filesServer(t *testing.T, dir string, args ...string) *server {
	t.Helper()
	return start(t, opts{App: "app:app", Dir: dir, Exit: -1,
		Args: append([]string{"-w", "1", "--cache", "--cache-memory", "16MiB", "--cache-dir", filepath.Join(dir, "cache"), "--log-level", "debug"}, args...)})
}

// storedFiles are the files of answers in cache.
func storedFiles(t *testing.T, dir string) (list []string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "cache", "??", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Answers that are too large for memory are stored in cache_dir and sent from there, ranges too; they outlive a restart and an
// upgrade.
func TestCacheFiles(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": recordsApp})
	const large, small = "/large/250000", "/small/10" // 8 MB, 320 bytes
	body := recordsBody("large", 250_000)
	s := filesServer(t, dir)
	s.waitEvent("cache_dir_read")
	call := ""
	check := func(s *server, when string) {
		t.Helper()
		r := s.want(200, large, storedHost)
		if !r.cachedHit() || r.Body != body || r.Header.Get("X-Call") != call {
			t.Errorf("%s: %v, the body is right: %v", when, r.Header, r.Body == body)
		}
		if r := s.get(large, storedHost, "Range: bytes=5000000-5000099"); r.Status != 206 || !r.cachedHit() || r.Body != body[5_000_000:5_000_100] || r.Header.Get("Content-Range") != fmt.Sprintf("bytes 5000000-5000099/%d", len(body)) {
			t.Errorf("%s: a range: %d %v", when, r.Status, r.Header)
		}
		if r := s.get(large, storedHost, "Range: bytes=0-9,70000-270000,-5"); r.Status != 206 || strings.Count(r.Body, "Content-Range") != 3 || !strings.Contains(r.Body, body[70_000:270_001]) || !strings.Contains(r.Body, body[len(body)-5:]) {
			t.Errorf("%s: three ranges: %d %v", when, r.Status, r.Header)
		}
		if r := s.get(large, storedHost, `If-None-Match: "large"`); r.Status != 304 || !r.cachedHit() {
			t.Errorf("%s: a condition: %d %v", when, r.Status, r.Header)
		}
		if r := s.do(s.request("HEAD", large, nil, storedHost)); !r.cachedHit() || r.Header.Get("Content-Length") != fmt.Sprint(len(body)) {
			t.Errorf("%s: HEAD: %v", when, r.Header)
		}
	}
	first := s.want(200, large, storedHost)
	if first.cachedHit() || first.Body != body {
		t.Errorf("the first: %v", first.Header)
	}
	call = first.Header.Get("X-Call")
	s.want(200, small, storedHost)
	eventually(t, "two files", func() bool { return len(storedFiles(t, dir)) == 2 })
	check(s, "stored")
	for path, want := range map[string]os.FileMode{"": 0o700, filepath.Dir(strings.TrimPrefix(storedFiles(t, dir)[0], dir+"/cache")): 0o700} {
		if info, err := os.Stat(filepath.Join(dir, "cache", path)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
	s.usr2()
	s.upgraded()
	s.oldEnded(endPatience)
	eventually(t, "the new process reads the folder", func() bool { return len(s.events("cache_dir_read")) == 2 })
	check(s, "upgraded")
	if n := len(s.events("cache_dir_busy")); n > 1 {
		t.Errorf("%d records of the wait for the folder", n)
	}
	s.stop()

	s = filesServer(t, dir, "--metrics", "127.0.0.1:0")
	if r := s.waitEvent("cache_dir_read"); r.str("files") != "2" {
		t.Errorf("%v", r)
	}
	var st struct {
		Files struct {
			State               string
			Files, Bytes, Limit int64
		} `json:"cache_files"`
	}
	if err := json.Unmarshal([]byte(s.must("status", "--json")), &st); err != nil || st.Files.State != "ready" || st.Files.Files != 2 || st.Files.Bytes < int64(len(body)) || st.Files.Limit != 1<<30 {
		t.Errorf("%+v %v", st, err)
	}
	if out := s.must("status"); !holds(out, "cache files  ready  2") {
		t.Error(out)
	}
	m := s.metrics("tcp", strings.TrimSuffix(strings.TrimPrefix(s.waitEvent("metrics").str("address"), "http://"), "/metrics"))
	if m["standpipe_cache_files{}"] != 2 || m["standpipe_cache_files_writable{}"] != 1 || m["standpipe_cache_files_bytes{}"] != float64(st.Files.Bytes) || m[`standpipe_cache_files_lost_total{cause="damaged"}`] != 0 {
		t.Errorf("%v", m)
	}
	check(s, "restarted")
	if r := s.want(200, small, storedHost); !r.cachedHit() || r.Body != recordsBody("small", 10) {
		t.Errorf("%v", r.Header)
	}
	if r := s.post(small, "text/plain", "x", storedHost); r.Status != 200 { // which invalidates it
		t.Errorf("POST: %d", r.Status)
	}
	eventually(t, "one file after a POST", func() bool { return len(storedFiles(t, dir)) == 1 })
}

// A server that is killed under load serves no wrong byte after its next start, and finds what it has stored.
func TestCacheFilesKilled(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": recordsApp})
	counts := []int{5, 500, 3000, 40_000} // 160 bytes to 1.3 MB
	const names = 300
	bodies := map[string]string{}
	for i := range names {
		name, count := fmt.Sprintf("n%d", i), counts[i%len(counts)]
		bodies[fmt.Sprintf("/%s/%d", name, count)] = recordsBody(name, count)
	}
	var paths []string
	for path := range bodies {
		paths = append(paths, path)
	}
	hits := 0
	for round := range 3 {
		s := filesServer(t, dir)
		s.waitEvent("cache_dir_read")
		for _, path := range paths[:100*round] {
			r := s.want(200, path, storedHost)
			if r.Body != bodies[path] {
				t.Fatalf("round %d: %s has wrong bytes: %v", round, path, r.Header)
			}
			if r.cachedHit() {
				hits++
			}
		}
		var done atomic.Int64
		var load sync.WaitGroup
		for range 4 {
			load.Go(func() {
				for {
					path := paths[rand.IntN(len(paths))]
					r, err := s.try(s.request("GET", path, nil, storedHost))
					if err != nil {
						return
					}
					if r.Status != 200 || r.Body != bodies[path] {
						t.Errorf("round %d: %s: %d %v", round, path, r.Status, r.Header)
					}
					done.Add(1)
				}
			})
		}
		eventually(t, "some answers", func() bool { return done.Load() > int64(100+rand.IntN(100)) })
		if err := syscall.Kill(s.Pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		load.Wait()
		s.wait()
		eventually(t, "the workers have ended", func() bool { return len(s.leftovers()) == 0 })
		if n := len(s.events("cache_file_damaged")); n != 0 {
			t.Errorf("round %d: %d records of damaged files", round, n)
		}
	}
	if hits < 30 {
		t.Errorf("%d of 300 answers were still stored", hits)
	}
}

// A folder with other files in it is left alone, and one whose disk is full disturbs no client.
func TestCacheFolderUnusable(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": recordsApp, "cache/mine": "x"})
	s := filesServer(t, dir, "--cache-pass", "10m")
	if r := s.waitEvent("cache_dir_unusable"); !strings.Contains(r.str("error"), "standpipe-cache") {
		t.Errorf("%v", r)
	}
	for _, want := range []string{"detail=size", "detail=cache_pass"} { // the second does not wait for the first
		if r := s.want(200, "/large/250000", storedHost); !strings.Contains(r.cacheStatus(), want) || strings.Contains(r.cacheStatus(), "stored") {
			t.Errorf("too large for the memory: %s", r.cacheStatus())
		}
		s.want(200, "/small/10", storedHost)
	}
	if r := s.want(200, "/small/10", storedHost); !r.cachedHit() {
		t.Errorf("memory alone: %v", r.Header)
	}
	if files, err := os.ReadDir(filepath.Join(dir, "cache")); err != nil || len(files) != 1 {
		t.Errorf("%v %v", files, err)
	}
	s.stop()

	if err := os.Remove(filepath.Join(dir, "cache/mine")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("none", filepath.Join(dir, "cache"), "tmpfs", 0, "size=2m"); err != nil {
		if errors.Is(err, fs.ErrPermission) {
			skip(t, "root", "mounts a small tmpfs")
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(filepath.Join(dir, "cache"), syscall.MNT_DETACH) })
	s = filesServer(t, dir)
	s.waitEvent("cache_dir_read")
	for i := range 60 { // 64 KB and 640 KB
		count := []int{2000, 2000, 20_000}[i%3]
		path := fmt.Sprintf("/n%d/%d", i, count)
		if r := s.want(200, path, storedHost); r.Body != recordsBody(fmt.Sprintf("n%d", i), count) {
			t.Errorf("%s: %v", path, r.Header)
		}
	}
	s.waitEvent("cache_dir_failed")
	s.want(200, "/large/250000", storedHost)
	eventually(t, "an answer of 640 KB to be stored in the place of others", func() bool {
		return s.want(200, "/again/20000", storedHost).cachedHit()
	})
	if n := len(s.events("cache_dir_failed")); n != 1 {
		t.Errorf("%d records", n)
	}
}
