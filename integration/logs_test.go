package integration

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// listener runs standpipe with a stdout and a stderr of the test's own, and
// returns its URL once the app answers.
type bare struct {
	cmd      *exec.Cmd
	out, err *os.File // the reading ends
	url      string
}

var listening = regexp.MustCompile(`"address":"(http://[^"]+)"`)

// startBare reads stderr only as far as the address.
func startBare(t *testing.T, dir string, args ...string) *bare {
	t.Helper()
	b := &bare{cmd: exec.Command(built.binary, append([]string{"serve", "-b", "127.0.0.1:0", "--log-format", "json", "--queue-timeout", bootQueue}, args...)...)}
	outR, outW := pipe(t)
	errR, errW := pipe(t)
	b.out, b.err = outR, errR
	b.cmd.Dir, b.cmd.Env, b.cmd.Stdout, b.cmd.Stderr = dir, cleanEnv(t), outW, errW
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	outW.Close()
	errW.Close()
	t.Cleanup(func() { _ = b.cmd.Process.Kill(); _ = b.cmd.Wait() })
	r := bufio.NewReader(errR)
	for b.url == "" {
		line, err := r.ReadString('\n')
		if m := listening.FindStringSubmatch(line); m != nil {
			b.url = m[1]
		} else if err != nil {
			t.Fatalf("no address: %v", err)
		}
	}
	if code := b.get(t); code != 200 {
		t.Fatalf("the first answer is %d", code)
	}
	return b
}

func (b *bare) get(t *testing.T) int {
	t.Helper()
	c := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := c.Get(b.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	_, _ = io.Copy(io.Discard, r.Body)
	return r.StatusCode
}

// stop sends SIGTERM and returns the exit code.
func (b *bare) stop(t *testing.T) int {
	t.Helper()
	_ = b.cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan int, 1)
	go func() { _ = b.cmd.Wait(); done <- b.cmd.ProcessState.ExitCode() }()
	select {
	case code := <-done:
		return code
	case <-time.After(endPatience):
		t.Fatal("still running long after SIGTERM")
		return 0
	}
}

// The reader of the logs may close its end: that is no reason to exit, nor to stop
// answering, nor to stop in disorder.
func TestLogReadersLeave(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": hello("a")})
	b := startBare(t, dir, "app:app", "-w", "1")
	b.out.Close()
	b.err.Close()
	for range 20 {
		if code := b.get(t); code != 200 {
			t.Fatalf("status %d", code)
		}
	}
	if code := b.stop(t); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// A reader of the logs that takes nothing holds up no request and no stop.
func TestLogReadersThatTakeNothing(t *testing.T) {
	t.Parallel()
	app := "import sys\ndef app(environ, start_response):\n    sys.stderr.write(('x' * 999 + '\\n') * 300)\n" +
		"    start_response('200 OK', [('Content-Type', 'text/plain')])\n    return [b'ok']\n"
	dir := project(t, map[string]string{"app.py": app})
	b := startBare(t, dir, "app:app", "-w", "1", "--stop-timeout", "30s") // a stop that takes longer is not 0
	for range 10 {                                                        // 3 MB into pipes of 64 KiB that are not read
		if code := b.get(t); code != 200 {
			t.Fatalf("status %d", code)
		}
	}
	if code := b.stop(t); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// SIGHUP is a reload and no end; SIGQUIT is an end.
func TestHangupIsNotAnEnd(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": hello("a")}), Args: []string{"-w", "1"}})
	s.signal(syscall.SIGHUP)
	s.waitEvent("reloaded")
	s.want(200, "/")
	s.signal(syscall.SIGQUIT)
	if code := s.wait(); code != 0 {
		t.Errorf("SIGQUIT: exit %d", code)
	}
}

// Off a terminal every line of the error log is JSON, the last one too.
func TestEveryLineIsJSON(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": "import nothing_of_this_name\n"})
	r := run(t, dir, nil, "serve", "app:app", "-b", "127.0.0.1:0")
	if r.code != 3 {
		t.Errorf("exit %d", r.code)
	}
	for _, line := range strings.Split(strings.TrimSpace(r.errout), "\n") {
		if parseRecord(line) == nil {
			t.Errorf("no JSON: %s", line)
		}
	}
	if f := failedBoot(r); f.str("file") != "app.py:1" || !f.names("nothing_of_this_name") {
		t.Errorf("%v", f)
	}
}
