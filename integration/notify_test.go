package integration

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// message is one datagram to the service manager, and its sender.
type message struct {
	text string
	pid  int
}

// has says whether the message has the line, or one that begins with it when it ends in "=".
func (m message) has(line string) bool {
	for l := range strings.SplitSeq(m.text, "\n") {
		if l == line || strings.HasSuffix(line, "=") && strings.HasPrefix(l, line) {
			return true
		}
	}
	return false
}

// manager plays systemd: it keeps all messages in their order.
type manager struct {
	t    testing.TB
	path string
	mu   sync.Mutex
	list []message
}

func newManager(t testing.TB) *manager {
	t.Helper()
	m := &manager{t: t, path: filepath.Join(socketDir(t), "notify")}
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_PASSCRED, 1) }); err != nil {
		t.Fatal(err)
	}
	var reader sync.WaitGroup
	reader.Go(func() {
		b, oob := make([]byte, 64<<10), make([]byte, 1024)
		for {
			n, k, _, _, err := c.ReadMsgUnix(b, oob)
			if err != nil {
				return
			}
			msg := message{text: string(b[:n])}
			if parts, err := syscall.ParseSocketControlMessage(oob[:k]); err == nil && len(parts) > 0 {
				if cred, err := syscall.ParseUnixCredentials(&parts[0]); err == nil {
					msg.pid = int(cred.Pid)
				}
			}
			m.mu.Lock()
			m.list = append(m.list, msg)
			m.mu.Unlock()
		}
	})
	t.Cleanup(func() { c.Close(); reader.Wait() })
	return m
}

func (m *manager) all() []message {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]message(nil), m.list...)
}

// find is the place of the first message from the one at from on that has the line; -1: there is none.
func (m *manager) find(from int, line string) int {
	for i, msg := range m.all() {
		if i >= from && msg.has(line) {
			return i
		}
	}
	return -1
}

func (m *manager) wait(from int, line string) int {
	m.t.Helper()
	at := -1
	within(m.t, bootPatience, "the message "+line, func() bool { at = m.find(from, line); return at >= 0 })
	return at
}

// What systemd hears, in its order: over a start, a reload, an upgrade and a stop.
func TestNotify(t *testing.T) {
	t.Parallel()
	m := newManager(t)
	dir := steady(t)
	hold := filepath.Join(dir, "hold")
	waiting := func(version string) string {
		return fmt.Sprintf("import os, time\nwhile os.path.exists(%q): time.sleep(0.01)\nVERSION = %q\n", hold, version)
	}
	write(t, dir, map[string]string{"hold": "", "version.py": waiting("v1")})
	s := start(t, opts{Dir: dir, App: "app:app", NoWait: true, Args: []string{"-w", "2"}, Env: []string{"NOTIFY_SOCKET=" + m.path}})
	status := "STATUS=" + filepath.Base(dir) + ": " // the app is called as its folder
	m.wait(0, "EXTEND_TIMEOUT_USEC=")
	eventually(t, "the workers boot", func() bool { return len(s.workers()) == 2 })
	m.wait(0, status+"0/2 workers ready, 0 requests served")
	if m.find(0, "READY=1") >= 0 {
		t.Error("READY before a worker was")
	}
	_ = os.Remove(hold)
	at := m.wait(0, "READY=1")
	s.waitReady(opts{})
	for range 3 {
		s.want(200, "/version")
	}
	m.wait(at, status+"2/2 workers ready, 3 requests served")

	// A reload: the time in the message is not before the signal's.
	write(t, dir, map[string]string{"hold": "", "version.py": waiting("v2")})
	from := len(m.all())
	asked := uptime(t)
	_ = syscall.Kill(s.Pid, syscall.SIGHUP)
	at = m.wait(from, "RELOADING=1")
	usec := int64(0)
	for line := range strings.SplitSeq(m.all()[at].text, "\n") {
		if v, ok := strings.CutPrefix(line, "MONOTONIC_USEC="); ok {
			usec, _ = strconv.ParseInt(v, 10, 64)
		}
	}
	if usec < asked || usec > asked+patience.Microseconds() {
		t.Errorf("MONOTONIC_USEC=%d, the signal came after %d", usec, asked)
	}
	m.wait(at, status+"2/2 workers ready, 3 requests served, reloading")
	if m.find(at, "READY=1") >= 0 {
		t.Error("READY before the new workers were")
	}
	_ = os.Remove(hold)
	m.wait(at, "READY=1")
	if r := s.want(200, "/version"); r.Body != "v2" {
		t.Errorf("READY, and %s serves", r.Body)
	}
	// One that fails is answered too.
	write(t, dir, map[string]string{"version.py": "VERSION = (\n"})
	from = len(m.all())
	_ = syscall.Kill(s.Pid, syscall.SIGHUP)
	m.wait(m.wait(from, "RELOADING=1"), "READY=1")
	write(t, dir, map[string]string{"version.py": waiting("v3")})

	// An upgrade: the old process names the new one, which speaks only then; the old one is silent.
	old := s.Pid
	s.usr2()
	s.upgraded()
	named := m.wait(0, "MAINPID="+strconv.Itoa(s.Pid))
	at = m.wait(named, "READY=1")
	m.wait(at, status+"2/2 workers ready, 0 requests served")
	s.want(200, "/version")
	m.wait(at, status+"2/2 workers ready, 1 requests served")
	if code := s.oldEnded(bootPatience); code != 0 {
		t.Errorf("the old process ended with %d", code)
	}
	for i, msg := range m.all() {
		if want := map[bool]int{true: s.Pid, false: old}[i > named]; msg.pid != want {
			t.Errorf("message %d of %d, %q, comes from %d, not from %d (old %d, new %d)", i, named, msg.text, msg.pid, want, old, s.Pid)
		}
	}
	from = len(m.all())
	s.stop()
	m.wait(from, "STOPPING=1")
}

// uptime is about the clock of MONOTONIC_USEC (this machine was not suspended).
func uptime(t testing.TB) int64 {
	t.Helper()
	b, err := os.ReadFile("/proc/uptime")
	if err != nil {
		t.Fatal(err)
	}
	seconds, err := strconv.ParseFloat(strings.Fields(string(b))[0], 64)
	if err != nil {
		t.Fatal(err)
	}
	return int64(seconds*1e6) - 20_000 // it is in hundredths
}

// While a stop waits for a request, systemd's patience is extended; the watchdog is fed all along.
func TestNotifyWhileStopping(t *testing.T) {
	t.Parallel()
	m := newManager(t)
	s := lifecycle(t, 1, opts{Env: []string{"NOTIFY_SOCKET=" + m.path, "WATCHDOG_USEC=200000"}})
	m.wait(m.wait(m.wait(0, "WATCHDOG=1")+1, "WATCHDOG=1")+1, "WATCHDOG=1")
	g := newGate(t)
	running := s.background("/gate?path=" + g.path)
	s.printed("at the gate")
	from := len(m.all())
	s.signal(syscall.SIGTERM)
	at := m.wait(from, "STOPPING=1")
	m.wait(at+1, "EXTEND_TIMEOUT_USEC=")
	m.wait(at+1, "WATCHDOG=1")
	g.open(t)
	if r := running.wait(t); r.Status != 200 {
		t.Errorf("%d", r.Status)
	}
	if code := s.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A manager that is not there, or reads nothing, is no reason not to serve.
func TestNotifyNobody(t *testing.T) {
	t.Parallel()
	s := start(t, opts{Dir: steady(t), App: "app:app", Args: []string{"-w", "1"}, Env: []string{"NOTIFY_SOCKET=/nonexistent/notify"}})
	s.want(200, "/version")
	s.waitEvent("notify_failed")
	time.Sleep(1100 * time.Millisecond) // the next status would be sent
	if n := len(s.events("notify_failed")); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// The units of the page are what systemd understands.
func TestSystemdUnits(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		skip(t, "no-systemd", err.Error())
	}
	page, err := os.ReadFile(filepath.Join(repoDir(), "docs", "systemd.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	args := []string{"verify"}
	for _, m := range regexp.MustCompile("(?s)```ini\n# \\S+/(\\S+)\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		path := filepath.Join(dir, m[1])
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(m[2], "/usr/local/bin/standpipe", built.binary)), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	if len(args) != 3 {
		t.Fatalf("units: %v", args)
	}
	out, err := exec.Command("systemd-analyze", args...).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, dir) || strings.Contains(line, "service type, ignoring: notify-reload") {
			continue // of another unit; or a systemd from before 253
		}
		t.Error(line)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
