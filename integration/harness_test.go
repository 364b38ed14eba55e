package integration

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// patience bounds every wait for a condition. It is a guard against hanging, never a claim about speed: the tests have to pass
// beside eight busy loops on two cores.
const patience = 2 * time.Minute

// bootPatience bounds the wait for an app's first ready or failed, and for whole commands.
const bootPatience = 5 * time.Minute

// endPatience bounds the wait for the end of a server whose stop budget is 25 s.
const endPatience = 2 * time.Minute

// built is what TestMain prepared for all tests; written once, before the first test.
var built struct {
	binary string // the standpipe program under test
	dir    string // removed at the end
	path   string // PATH for the servers
}

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "standpipe-it-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	// Workers under another uid must be able to reach the program and the runtime folders below.
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	built.dir = dir
	closeOnExec()
	built.path = searchPath()
	built.binary = os.Getenv("STANDPIPE_BIN")
	if built.binary != "" {
		if built.binary, err = filepath.Abs(built.binary); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}
	built.binary = filepath.Join(dir, "standpipe")
	cmd := exec.Command("go", "build", "-trimpath", "-o", built.binary, "./cmd/standpipe")
	cmd.Dir = repoDir()
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build ./cmd/standpipe: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// closeOnExec keeps what the tests' own parent has left open (a jobserver's pipes, an editor's) out of the servers: a
// test that counts descriptors must not depend on who started it.
func closeOnExec() {
	dirs, _ := os.ReadDir("/proc/self/fd")
	for _, d := range dirs {
		if fd, err := strconv.Atoi(d.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}

// searchPath is our PATH, with the folder of the real python3 in front when python3 is a version manager's script: such
// scripts cost 0.1 s a start and look for the developer's home folder.
func searchPath() string {
	path := os.Getenv("PATH")
	out, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	found, lookErr := exec.LookPath("python3")
	if err != nil || lookErr != nil || !strings.Contains(found, "/shims/") {
		return path
	}
	return filepath.Dir(strings.TrimSpace(string(out))) + ":" + path
}

// repoDir is the folder of go.mod: the tests run in integration/.
func repoDir() string {
	wd, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return filepath.Dir(wd)
}

// appDir is the absolute path of integration/apps/<name>.
func appDir(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join(repoDir(), "integration", "apps", name)
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// python is the interpreter of the test venv (`make testenv`), which has the frameworks of requirements.txt.
func python(t testing.TB) string {
	t.Helper()
	path := os.Getenv("STANDPIPE_TEST_PYTHON")
	if path == "" {
		path = filepath.Join(repoDir(), ".cache", "testenv", "bin", "python")
	}
	if _, err := os.Stat(path); err != nil {
		skip(t, "no-venv", "run `make testenv`: "+err.Error())
	}
	return path
}

// skip ends the test with a cause of one word, which run_tests.sh counts: root, no-venv, no-cc, cgroup, no-program,
// no-pypy, ...
func skip(t testing.TB, cause, detail string) {
	t.Helper()
	t.Skipf("SKIP[%s]: %s", cause, detail)
}

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
	Apps   int  // how many apps to wait for; 0: the number of --app in Args, at least 1

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

	t    testing.TB
	out  *lines
	err  *lines
	done chan struct{} // closed when the process has been waited for and both streams are read
	life *life
}

// life is what changes while the server runs.
type life struct {
	mu   sync.Mutex
	exit int          // the exit code that cleanup expects
	code int          // valid after done
	seen map[int]bool // worker pids ever seen; what cleanup may kill
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

// remember keeps pids that cleanup has to look after.
func (s *server) remember(pids ...int) {
	s.life.mu.Lock()
	defer s.life.mu.Unlock()
	for _, pid := range pids {
		s.life.seen[pid] = true
	}
}

// leftovers are the remembered workers that still live.
func (s *server) leftovers() []int {
	s.life.mu.Lock()
	defer s.life.mu.Unlock()
	var list []int
	for pid := range s.life.seen {
		if ownWorker(pid) {
			list = append(list, pid)
		}
	}
	return list
}

// exitedWith is the exit code; valid after done.
func (s *server) exitedWith() int {
	s.life.mu.Lock()
	defer s.life.mu.Unlock()
	return s.life.code
}

// record is one JSON line of the error log. Its methods also understand the binaries before the schema of docs/logs.md,
// whose keys were @timestamp, @level and @message (the event's name, or what an app printed): a test for a fault must be
// able to fail on them.
type record map[string]any

// event is the record's name; "output" for what an app printed.
func (r record) event() string {
	if r["stream"] == "output" {
		return "output"
	}
	return r.str("event")
}

// old are the keys before the schema.
var old = map[string]string{"time": "@timestamp", "level": "@level", "event": "@message"}

// str is the value of key as text; "" if it is not there.
func (r record) str(key string) string {
	v := r[key]
	if _, isOld := r["@message"]; isOld {
		if k := old[key]; k != "" {
			v = r[k]
		} else if key == "message" && r["stream"] == "output" {
			v = r["@message"]
		}
	}
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

// duration is the value of key, which is seconds; in the binaries before the schema, Go's text.
func (r record) duration(key string) time.Duration {
	if v, ok := r[key].(float64); ok {
		return time.Duration(v * float64(time.Second))
	}
	d, err := time.ParseDuration(r.str(key))
	if err != nil {
		panic(fmt.Sprintf("%s of %v: %v", key, r, err))
	}
	return d
}

// lines collects a stream line by line, while it runs.
type lines struct {
	mu      sync.Mutex
	list    []string
	decoded []record // of the first seen lines: those that are JSON
	seen    int
}

// records are the lines so far that are JSON. Each line is decoded once, however often a test polls.
func (l *lines) records() []record {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ; l.seen < len(l.list); l.seen++ {
		if r := parseRecord(l.list[l.seen]); r != nil {
			l.decoded = append(l.decoded, r)
		}
	}
	return l.decoded[:len(l.decoded):len(l.decoded)]
}

func (l *lines) add(s string) { l.mu.Lock(); l.list = append(l.list, s); l.mu.Unlock() }

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.list...)
}

func (l *lines) read(r io.Reader) {
	br := bufio.NewReaderSize(r, 64<<10)
	for {
		s, err := br.ReadString('\n')
		if s != "" {
			l.add(strings.TrimRight(s, "\n"))
		}
		if err != nil {
			return
		}
	}
}

// cleanEnv is the environment of every server: nothing of the developer's shell but PATH, folders of the test's own.
func cleanEnv(t testing.TB) []string {
	t.Helper()
	home := filepath.Join(built.dir, "home")
	run := filepath.Join(built.dir, "run")
	tmp := filepath.Join(built.dir, "tmp")
	for dir, mode := range map[string]os.FileMode{home: 0o755, run: 0o700, tmp: 0o777 | os.ModeSticky} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
	}
	return []string{
		"PATH=" + built.path, "HOME=" + home, "TMPDIR=" + tmp, "XDG_RUNTIME_DIR=" + run,
		"RUNTIME_DIRECTORY=" + filepath.Join(run, "standpipe"), // without a terminal there is no session whose folder would be used
		"LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1",
	}
}

// start runs `standpipe serve` and waits until it listens and every app is ready or failed. Cleanup sends SIGTERM,
// waits, and fails the test when the exit code is not o.Exit.
func start(t testing.TB, o opts) *server {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
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
			argv = append(argv, "-b", a)
		}
		if o.Python != "" {
			argv = append(argv, "--python", o.Python)
		}
	}
	argv = append(argv, o.Args...)

	s := &server{t: t, out: &lines{}, err: &lines{}, done: make(chan struct{}), life: &life{exit: o.Exit, seen: map[int]bool{}}}
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
	want = max(want, 1)
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
	s.Addr = strings.TrimPrefix(a, "http://")
	s.URL = "http://" + s.Addr
}

func (s *server) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// pause is the rhythm of all polling.
func pause() { time.Sleep(10 * time.Millisecond) }

// eventually polls cond until it holds; it fails the test after patience.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	within(t, patience, what, cond)
}

func within(t testing.TB, limit time.Duration, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); ; pause() {
		if cond() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// log is the error log so far: the lines of stderr that are JSON.
func (s *server) log() []record { return s.err.records() }

func parseRecord(line string) record {
	if !strings.HasPrefix(line, "{") {
		return nil
	}
	var r record
	if json.Unmarshal([]byte(line), &r) != nil {
		return nil
	}
	return r
}

// events are the records of that name so far.
func (s *server) events(name string) []record {
	var list []record
	for _, r := range s.log() {
		if r.event() == name {
			list = append(list, r)
		}
	}
	return list
}

// waitLog polls the log until a record matches.
func (s *server) waitLog(match func(record) bool, what string) record {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; pause() {
		for _, r := range s.log() {
			if match(r) {
				return r
			}
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("no log record after %v: %s; the log:\n%s", patience, what, s.stderrText())
		}
	}
}

// waitEvent is waitLog by the record's name.
func (s *server) waitEvent(name string) record {
	s.t.Helper()
	return s.waitLog(func(r record) bool { return r.event() == name }, name)
}

// output are the lines that the workers wrote, in order.
func (s *server) output() []string {
	var list []string
	for _, r := range s.log() {
		if r.str("stream") == "output" {
			list = append(list, r.str("message"))
		}
	}
	return list
}

// access are the access log's lines so far.
func (s *server) access() []string { return s.out.all() }

// waitAccess polls the access log until a line matches the expression.
func (s *server) waitAccess(expr string) string {
	s.t.Helper()
	re := regexp.MustCompile(expr)
	var found string
	eventually(s.t, "access log line "+expr, func() bool {
		for _, line := range s.access() {
			if re.MatchString(line) {
				found = line
				return true
			}
		}
		return false
	})
	return found
}

func (s *server) stderrText() string { return strings.Join(s.err.all(), "\n") }

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

// result is a finished command.
type result struct {
	code        int
	out, errout string
}

// run runs the binary with args to its end, in dir.
func run(t testing.TB, dir string, env []string, args ...string) result {
	t.Helper()
	cmd := exec.Command(built.binary, args...)
	cmd.Dir = dir
	cmd.Env = append(cleanEnv(t), env...)
	cmd.WaitDelay = patience // a child of another test may hold the pipes until its exec
	var out, errout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killer := time.AfterFunc(bootPatience, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	if !killer.Stop() {
		t.Fatalf("%q did not end within %v\n%s%s", cmd.Args, bootPatience, out.String(), errout.String())
	}
	var ee *exec.ExitError
	if err != nil && !errors.As(err, &ee) {
		t.Fatal(err)
	}
	return result{exitCode(cmd), out.String(), errout.String()}
}
