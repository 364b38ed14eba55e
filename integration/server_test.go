package integration

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// opts says how to start the binary. The zero value starts `standpipe serve` in a fresh empty folder.
type opts struct {
	App    string   // the APP argument; "" for none
	Dir    string   // working directory of standpipe; "": appDir-less tests get a temporary folder
	Args   []string // more flags, after the default ones
	Env    []string // NAME=VALUE, added to the clean environment of cleanEnv
	Python string   // --python; "": none given, so standpipe's own search decides
	Listen []string // one -b each; nil: 127.0.0.1:0
	Stdin  io.Reader
	NoWait bool // do not wait for listening and ready
	Exit   int  // the exit code that cleanup expects; -1: any
	Bare   bool // exactly Args follow `serve`: no default flag, no -b, no --python
	HTTP1  bool // by HTTP/1.1, whatever the switch says; see over_test.go
	Apps   int  // how many apps to wait for; 0: the number of --app in Args, at least 1; -1: there is none

	Identity   *syscall.Credential // run as somebody else (needs root)
	ExtraFiles []*os.File          // fd 3 and up
	Argv       []string            // replaces the program and everything before Args; "{bin}" is the binary
	EmptyEnv   bool                // nothing but Env
}

// server is one running standpipe.
type server struct {
	URL  string // http://127.0.0.1:34567, of the first listening record
	Addr string // 127.0.0.1:34567 or /path/of.sock
	Cmd  *exec.Cmd
	Pid  int

	t      testing.TB
	over   string // a way of over_test.go
	out    *lines
	err    *lines
	waited chan struct{} // closed when the process has been waited for
	done   chan struct{} // closed when both streams are read, too
	life   *life
}

// life is what changes while the server runs.
type life struct {
	mu   sync.Mutex
	exit int            // the exit code that cleanup expects
	code int            // valid after waited
	seen map[int]string // the worker pids ever seen, and when each of these processes began; what cleanup may kill
}

// with is the same server, whose failures are those of t: for subtests.
func (s *server) with(t testing.TB) *server {
	c := *s
	c.t = t
	return &c
}

// expect changes the exit code that cleanup wants; -1: any. For a test that kills the server.
func (s *server) expect(code int) {
	s.life.mu.Lock()
	defer s.life.mu.Unlock()
	s.life.exit = code
}

// remember keeps pids that cleanup has to look after. The numbers may be given to other servers' workers later.
func (s *server) remember(pids ...int) {
	s.life.mu.Lock()
	defer s.life.mu.Unlock()
	for _, pid := range pids {
		if st, ok := procStat(pid); ok {
			s.life.seen[pid] = st.started
		}
	}
}

// leftovers are the remembered workers that still live.
func (s *server) leftovers() []int {
	s.life.mu.Lock()
	defer s.life.mu.Unlock()
	var list []int
	for pid, started := range s.life.seen {
		if st, ok := procStat(pid); ok && st.started == started && ownWorker(pid) {
			list = append(list, pid)
		}
	}
	return list
}

// exitedWith is the exit code; valid after waited.
func (s *server) exitedWith() int {
	s.life.mu.Lock()
	defer s.life.mu.Unlock()
	return s.life.code
}

// start runs `standpipe serve` and waits until it listens and every app is ready or failed. Cleanup sends SIGTERM,
// waits, and fails the test when the exit code is not o.Exit.
func start(t testing.TB, o opts) *server {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	way := overOf(t, o)
	argv := []string{built.binary, "serve"}
	if o.Argv != nil {
		argv = nil
		for _, a := range o.Argv {
			argv = append(argv, strings.ReplaceAll(a, "{bin}", built.binary))
		}
	}
	if !o.Bare {
		if o.App != "" {
			argv = append(argv, o.App)
		}
		argv = append(argv, "--log-format", "json", "--access-log-format", "combined") // most tests read the access log so
		if o.Listen == nil {
			o.Listen = []string{"127.0.0.1:0"}
		}
		for _, a := range o.Listen {
			argv = append(argv, "-b", overAddress(way, a))
		}
		argv = append(argv, overArgs(t, way)...)
		if o.Python != "" {
			argv = append(argv, "--python", o.Python)
		}
	}
	argv = append(argv, o.Args...)

	s := &server{t: t, over: way, out: &lines{}, err: &lines{}, waited: make(chan struct{}), done: make(chan struct{}), life: &life{exit: o.Exit, seen: map[int]string{}}}
	s.Cmd = exec.Command(argv[0], argv[1:]...)
	s.Cmd.Dir = o.Dir
	s.Cmd.Stdin = o.Stdin
	s.Cmd.ExtraFiles = o.ExtraFiles
	if !o.EmptyEnv {
		s.Cmd.Env = cleanEnv(t)
	}
	s.Cmd.Env = append(s.Cmd.Env, o.Env...)
	if len(s.Cmd.Env) == 0 {
		s.Cmd.Env = []string{} // nil would mean ours
	}
	s.Cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: o.Identity}
	// Pipes of our own: Wait must not close them before the last line is read.
	outR, outW := pipe(t)
	errR, errW := pipe(t)
	s.Cmd.Stdout, s.Cmd.Stderr = outW, errW
	err := s.Cmd.Start()
	outW.Close()
	errW.Close()
	if err != nil {
		t.Fatalf("start %q: %v", argv, err)
	}
	s.Pid = s.Cmd.Process.Pid
	var readers sync.WaitGroup
	readers.Go(func() { s.out.read(outR); outR.Close() })
	readers.Go(func() { s.err.read(errR); errR.Close() })
	go func() {
		_ = s.Cmd.Wait()
		s.life.mu.Lock()
		s.life.code = exitCode(s.Cmd)
		s.life.mu.Unlock()
		close(s.waited)
		readers.Wait()
		close(s.done)
	}()
	t.Cleanup(s.cleanup)
	if o.NoWait {
		return s
	}
	s.waitReady(o)
	return s
}

func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

// exitCode is the process's code, 128+N after a signal, as a shell says it.
func exitCode(c *exec.Cmd) int {
	ws, ok := c.ProcessState.Sys().(syscall.WaitStatus)
	if ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return c.ProcessState.ExitCode()
}

func (s *server) waitReady(o opts) {
	s.t.Helper()
	want := o.Apps
	for _, a := range o.Args {
		if o.Apps == 0 && (a == "--app" || strings.HasPrefix(a, "--app=")) {
			want++
		}
	}
	if want = max(want, 1); o.Apps < 0 {
		want = 0
	}
	deadline := time.Now().Add(bootPatience)
	for {
		apps := map[string]bool{}
		for _, r := range s.log() {
			switch r.event() {
			case "listening":
				s.setAddress(r.str("address"))
			case "app_ready", "app_failed":
				apps[r.str("app")] = true
			}
		}
		s.workers() // remembers the pids for cleanup
		if s.Addr != "" && len(apps) >= want {
			return
		}
		if s.ended() {
			s.t.Fatalf("%q ended with %d before it was ready:\n%s", s.Cmd.Args, s.exitedWith(), s.stderrText())
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%q: not ready after %v (listening at %q, apps %v of %d):\n%s", s.Cmd.Args, bootPatience, s.Addr, apps, want, s.stderrText())
		}
		pause()
	}
}

func (s *server) setAddress(a string) {
	if s.Addr != "" {
		return
	}
	if i := strings.Index(a, "unix:"); i >= 0 {
		s.Addr, s.URL = strings.TrimPrefix(a[i+len("unix:"):], "//"), "http://localhost"
		return
	}
	scheme, address, _ := strings.Cut(a, "://")
	s.Addr, s.URL = address, scheme+"://"+address
}

func (s *server) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// stop sends SIGTERM and waits.
func (s *server) stop() int {
	s.t.Helper()
	if !s.ended() {
		s.workers()
		_ = syscall.Kill(s.Pid, syscall.SIGTERM)
	}
	return s.wait()
}

// wait waits for the end and gives the exit code. After endPatience it kills and fails the test.
func (s *server) wait() int {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(endPatience):
		s.killAll()
		s.t.Errorf("standpipe pid %d did not end within %v:\n%s", s.Pid, endPatience, s.stderrText())
		select {
		case <-s.done:
		case <-time.After(patience): // a stranger holds our pipes; nothing more to read that matters
		}
	}
	return s.exitedWith()
}

// killAll ends this server and the workers seen of it, and nothing else.
func (s *server) killAll() {
	s.workers()
	if !s.ended() {
		_ = syscall.Kill(s.Pid, syscall.SIGKILL)
	}
	_ = s.Cmd.Process.Kill()
	for _, pid := range s.leftovers() {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
}

func (s *server) cleanup() {
	code := s.stop()
	if code != 128+int(syscall.SIGKILL) { // a killed supervisor's workers are given time by the test that killed it
		for _, pid := range s.leftovers() {
			s.t.Errorf("worker pid %d outlived standpipe pid %d", pid, s.Pid)
		}
	}
	s.killAll()
	s.wantListed()
	s.life.mu.Lock()
	want := s.life.exit
	s.life.mu.Unlock()
	if want >= 0 && code != want {
		s.t.Errorf("%q: exit code %d, want %d", s.Cmd.Args, code, want)
	}
	if s.t.Failed() {
		s.t.Logf("stderr of pid %d:\n%s\nstdout:\n%s", s.Pid, tail(s.err.all(), 80), tail(s.out.all(), 20))
	}
}

func tail(list []string, n int) string {
	if len(list) > n {
		list = list[len(list)-n:]
	}
	return strings.Join(list, "\n")
}
