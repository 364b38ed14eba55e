package integration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFault_B14_NoMoreDescriptors: clients take all descriptors. A client that is connected is answered, if only with an
// error, whatever needs a descriptor: a file, a body for the disk, a new worker. It is told once, and all serve again when
// there are descriptors.
func TestFault_B14_NoMoreDescriptors(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/usr/bin/prlimit"); err != nil {
		skip(t, "no-program", "prlimit")
	}
	dir := project(t, map[string]string{"app.py": `
def application(environ, start_response):
    n = len(environ["wsgi.input"].read())
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d" % n]
`, "static/a.bin": strings.Repeat("a", 300<<10), "static/b.bin": strings.Repeat("b", 300<<10)})
	s := start(t, opts{App: "app:application", Dir: dir, Argv: []string{"/usr/bin/prlimit", "--nofile=100", sandboxBinary(t), "serve"},
		Args: []string{"-w", "2", "--max-connections", "1000", "--static", "/static=" + filepath.Join(dir, "static")}})
	kept, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	answers := bufio.NewReader(kept)
	ask := func(method, target string, body int) (status int, got string) {
		t.Helper()
		_ = kept.SetDeadline(time.Now().Add(patience))
		fmt.Fprintf(kept, "%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", method, target, body, strings.Repeat("x", body))
		r, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatalf("%s %s: %v", method, target, err)
		}
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatalf("%s %s: %v", method, target, err)
		}
		return r.StatusCode, string(text)
	}
	if status, _ := ask("GET", "/static/a.bin", 0); status != 200 {
		t.Fatalf("answered %d", status)
	}
	var clients []net.Conn
	for range 200 { // more than there are descriptors; what is not accepted waits in the kernel
		c, err := net.DialTimeout("tcp", s.Addr, patience)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\n")
		clients = append(clients, c)
		defer c.Close()
	}
	if r := s.waitEvent("accept_paused"); !strings.Contains(r.str("error"), "too many open files") {
		t.Fatalf("it is not for the lack of descriptors: %v", r)
	}
	if status, got := ask("POST", "/", 10); status != 200 || got != "10" {
		t.Errorf("what needs no descriptor: %d %.80q", status, got)
	}
	for _, target := range []string{"/static/a.bin", "/static/b.bin"} { // one is known, the other one is not
		if status, got := ask("GET", target, 0); status != 200 && status != 503 || status == 200 && len(got) != 300<<10 {
			t.Errorf("%s: %d %.80q", target, status, got)
		}
	}
	if status, got := ask("POST", "/", 3<<20); status != 200 && status != 503 || status == 200 && got != fmt.Sprint(3<<20) {
		t.Errorf("a body for the disk: %d %.80q", status, got)
	}
	workers := s.workers()
	for _, pid := range workers { // the next ones cannot be started now, or by what these have left
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	within(t, patience, "the deaths are known", func() bool { return len(s.events("worker_exit")) >= len(workers) })
	for _, c := range clients {
		c.Close()
	}
	within(t, bootPatience, "it serves again", func() bool {
		r, err := s.try(s.request("GET", "/", nil))
		return err == nil && r.Status == 200
	})
	s.want(200, "/static/b.bin")
	if r, err := s.try(s.request("POST", "/", strings.NewReader(strings.Repeat("x", 3<<20)))); err != nil || r.Status != 200 || r.Body != fmt.Sprint(3<<20) {
		t.Errorf("%v %+v", err, r)
	}
	if got := s.events("accept_paused"); len(got) > 2 {
		t.Errorf("%d records of the pause: %v", len(got), got)
	}
	if s.ended() {
		t.Error("the server has ended")
	}
}
