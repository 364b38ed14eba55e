package integration

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// memoryGroup is a control group (v1) with a limit.
func memoryGroup(t testing.TB, limit int64) string {
	t.Helper()
	const mount = "/sys/fs/cgroup/memory"
	own := ""
	text, _ := os.ReadFile("/proc/self/cgroup")
	for _, line := range strings.Split(string(text), "\n") {
		if f := strings.SplitN(line, ":", 3); len(f) == 3 && f[1] == "memory" {
			own = f[2]
		}
	}
	parent := filepath.Join(mount, own)
	if _, err := os.Stat(parent); err != nil { // a container shows the host's path
		parent = mount
	}
	dir, err := os.MkdirTemp(parent, "standpipe-test-")
	if err == nil {
		t.Cleanup(func() {
			for range 500 { // until the last process is gone
				if os.Remove(dir) == nil {
					return
				}
				pause()
			}
			t.Errorf("%s cannot be removed", dir)
		})
		_ = os.Chmod(dir, 0o755) // as the kernel makes them
		err = os.WriteFile(filepath.Join(dir, "memory.limit_in_bytes"), fmt.Append(nil, limit), 0o644)
	}
	if err != nil {
		skip(t, "cgroup", err.Error())
	}
	return dir
}

// In a group of 200 MiB, without a folder to write to, three uploads of 95 MB at a time, then thirty: the server lives,
// and each of them is answered; what fits is taken.
func TestFault_B9_BudgetsFollowTheMemoryLimit(t *testing.T) {
	t.Parallel()
	needRoot(t)
	if _, err := exec.LookPath("setpriv"); err != nil {
		skip(t, "no-program", err.Error())
	}
	group := memoryGroup(t, 200<<20)
	dir := sandboxApp(t)
	s := start(t, opts{
		Dir: dir, EmptyEnv: true, Env: []string{"HOME=/nonexistent", "TMPDIR=/proc", "PATH=/usr/bin:/bin"},
		Argv: []string{"/bin/sh", "-c", `echo $$ > "$0/cgroup.procs" && exec setpriv --reuid=12345 --regid=12345 --clear-groups "$@"`, group, sandboxBinary(t), "serve", "app:app"},
		Args: []string{"--python", systemPython(t), "--metrics", "127.0.0.1:0"},
	})
	if r := s.waitEvent("no_spool_dir"); r.str("spool_total") != "26214400" {
		t.Errorf("%v", r)
	}
	if r := s.waitEvent("max_body_unfit"); r.str("max_body") != "104857600" {
		t.Errorf("%v", r)
	}
	for _, n := range []int{3, 30} {
		for _, chunked := range []bool{false, true} {
			var all sync.WaitGroup
			for i := range n {
				all.Go(func() {
					body := &pattern{left: 95_000_000}
					req := s.request("POST", "/sum", body, "Content-Type: application/octet-stream", fmt.Sprintf("X-Forwarded-For: 192.0.2.%d", i))
					if !chunked {
						req.ContentLength = body.left
					}
					r, err := s.try(req)
					switch {
					case err != nil:
						t.Errorf("upload %d of %d, chunked %v: %v", i, n, chunked, err)
					case r.Status == 503 && r.Header.Get("Retry-After") == "":
						t.Errorf("503 without Retry-After")
					case r.Status != 200 && r.Status != 503 && r.Status != 507:
						t.Errorf("upload %d of %d: %d", i, n, r.Status)
					}
				})
			}
			all.Wait()
		}
	}
	// A client has its answer before the server has let go of the body.
	metrics := strings.TrimSuffix(strings.TrimPrefix(s.waitEvent("metrics").str("address"), "http://"), "/metrics")
	eventually(t, "nothing is spooled", func() bool {
		return s.metrics("tcp", metrics)[`standpipe_budget_used_bytes{budget="spool_total"}`] == 0
	})
	var all sync.WaitGroup
	for i := range 4 { // a quarter each
		all.Go(func() {
			r, err := s.try(s.request("POST", "/sum", strings.NewReader(strings.Repeat("x", 6<<20)), fmt.Sprintf("X-Forwarded-For: 192.0.2.%d", i)))
			if err != nil || r.Status != http.StatusOK {
				t.Errorf("an upload that fits: %v %v", r, err)
			}
		})
	}
	all.Wait()
	s.want(200, "/livez")
	if s.ended() {
		t.Error("the server has ended")
	}
	if n := len(s.events("worker_exit")); n > 0 {
		t.Errorf("%d workers died", n)
	}
}

// pattern is a body of some length.
type pattern struct{ left int64 }

func (p *pattern) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(b)), p.left))
	clear(b[:n])
	p.left -= int64(n)
	return n, nil
}

// In the same group, what three thousand clients have begun to send, and what many slow readers have not taken, is
// bounded too.
func TestFault_B9_ManyClients(t *testing.T) {
	t.Parallel()
	needRoot(t)
	if _, err := exec.LookPath("setpriv"); err != nil {
		skip(t, "no-program", err.Error())
	}
	group := memoryGroup(t, 200<<20)
	dir := project(t, map[string]string{"app.py": `
def app(environ, start_response):
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return (b"x" * 65536 for _ in range(160)) if environ["PATH_INFO"] == "/big" else [b"ok"]
`})
	s := start(t, opts{
		Dir: dir, EmptyEnv: true, Env: []string{"HOME=/nonexistent", "TMPDIR=/proc", "PATH=/usr/bin:/bin"},
		Argv: []string{"/bin/sh", "-c", `echo $$ > "$0/cgroup.procs" && exec setpriv --reuid=12345 --regid=12345 --clear-groups "$@"`, group, sandboxBinary(t), "serve", "app:app"},
		Args: []string{"--python", systemPython(t), "-w", "1", "--threads", "8"},
	})
	body := strings.Repeat("x", 64<<10-1)
	for i := range 3000 {
		c, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if i%10 == 0 {
			fmt.Fprintf(c, "GET /big HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 10.0.%d.%d\r\n\r\n", i/256, i%256)
			continue
		}
		fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 10.0.%d.%d\r\nContent-Length: %d\r\n\r\n%s", i/256, i%256, len(body)+1, body)
	}
	s.want(200, "/livez", "Connection: close")
	usage, err := os.ReadFile(filepath.Join(group, "memory.max_usage_in_bytes"))
	t.Logf("at most %s bytes, %v", strings.TrimSpace(string(usage)), err)
	if n := len(s.events("worker_exit")); n > 0 || s.ended() {
		t.Errorf("%d workers died; ended: %v", n, s.ended())
	}
}
