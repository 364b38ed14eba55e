package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// hookedApp writes each call of a fork hook to a file: who, where. A thread that the hook starts takes a lock that views need,
// as the exporters of tracing libraries do.
const hookedApp = `import os, random, subprocess, sys, threading, time
HERE = os.path.dirname(os.path.abspath(__file__))
lock = threading.Lock()
started = threading.Event()

def note(what):
    fd = os.open(os.path.join(HERE, "hooks"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(fd, ("%s %d\n" % (what, os.getpid())).encode())
    os.close(fd)

def run():
    while True:
        with lock:
            started.set()
            time.sleep(0.01)
        time.sleep(0.001)

def again():
    note("child")
    started.clear()
    threading.Thread(target=run, daemon=True, name="exporter").start()
    started.wait(30)

os.register_at_fork(before=lambda: note("before"), after_in_parent=lambda: note("parent"), after_in_child=again)
if os.environ.get("BUSY"):
    ballast = [[n] for n in range(2000000)]
    def spin():
        while True:
            sum(range(1000))
    for _ in range(2):
        threading.Thread(target=spin, daemon=True).start()

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/lock":
        with lock:
            pass
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()
        said = subprocess.check_output([sys.executable, "-c", "print('child')"]).decode().strip()
        names = ",".join(sorted(t.name for t in threading.enumerate() if t.name == "exporter"))
        return [("%d %s %s %r" % (os.getpid(), said, names, random.random())).encode()]
    return [str(os.getpid()).encode()]
`

// hooks are the calls of each hook by process.
func hooks(t *testing.T, dir string) map[string]map[int]int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "hooks"))
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]map[int]int{"before": {}, "parent": {}, "child": {}}
	for line := range strings.Lines(string(text)) {
		var what string
		var pid int
		if _, err := fmt.Sscan(line, &what, &pid); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		calls[what][pid]++
	}
	return calls
}

// What the app gave to os.register_at_fork runs once in each worker and in nothing else; the lock of the thread that it starts
// there is free; generators of random numbers differ.
func TestFault_B6_ForkHooksRunOnce(t *testing.T) {
	t.Parallel()
	list := append(interpreters(t), python(t))
	for _, path := range list {
		if strings.Contains(path, "pypy") {
			continue // there is no preload
		}
		t.Run(path, func(t *testing.T) {
			dir := project(t, map[string]string{"web.py": hookedApp})
			s := start(t, opts{Dir: dir, App: "web:app", Python: path, Args: []string{"--preload", "-w", "3", "--timeout", "20s", "--log-level", "debug"}})
			within(t, bootPatience, "all workers are ready", func() bool { return len(s.events("worker_ready")) >= 3 })
			template := s.template()
			var calls map[string]map[int]int
			eventually(t, "the hook in the parent of the last one has run", func() bool { calls = hooks(t, dir); return calls["parent"][template] >= 3 })
			var workers []int
			for _, r := range s.events("worker_ready") {
				pid, _ := strconv.Atoi(r.str("pid"))
				workers = append(workers, pid)
			}
			slices.Sort(workers)
			s.remember(workers...)
			for what, want := range map[string]map[int]int{"before": {template: 3}, "parent": {template: 3}, "child": {workers[0]: 1, workers[1]: 1, workers[2]: 1}} {
				if fmt.Sprint(calls[what]) != fmt.Sprint(want) {
					t.Errorf("%s: %v, want %v", what, calls[what], want)
				}
			}
			numbers := map[string]string{}
			seen := map[string]bool{}
			for range 100 {
				f := strings.Fields(s.want(200, "/lock").Body)
				if len(f) != 4 || f[1] != "child" || f[2] != "exporter" {
					t.Fatalf("%q", f)
				}
				if other, ok := numbers[f[3]]; ok && other != f[0] {
					t.Errorf("workers %s and %s draw the same number", f[0], other)
				}
				numbers[f[3]], seen[f[0]] = f[0], true
				if len(seen) == 3 {
					break
				}
			}
			if n := len(s.events("preload_forks_twice")); n != 0 {
				t.Errorf("the hooks run twice: %v", s.events("preload_forks_twice"))
			}
		})
	}
}

// Threads of the template's that want the GIL while it forks hold nothing up, neither in the process between nor in the worker.
func TestFault_B6_BusyThreadsInTheTemplate(t *testing.T) {
	dir := project(t, map[string]string{"web.py": hookedApp})
	s := start(t, opts{Dir: dir, App: "web:app", Env: []string{"BUSY=1"}, Args: []string{"--preload", "-w", "2", "--max-requests", "2", "--timeout", "0", "--log-level", "debug"}})
	s.template()
	for range 30 {
		s.want(200, "/lock")
	}
	within(t, bootPatience, "ten workers were ready", func() bool { s.want(200, "/lock"); return len(s.events("worker_ready")) >= 10 })
	if n := len(s.events("template_ready")); n != 1 {
		t.Errorf("%d templates", n)
	}
}

// Without ctypes preload works as it did, and the log says what that means.
func TestFault_B6_WithoutCtypes(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"web.py": hello("x"), "without/ctypes.py": "raise ImportError('no libffi here')\n"})
	s := start(t, opts{Dir: dir, App: "web:app", Env: []string{"PYTHONPATH=" + filepath.Join(dir, "without")}, Args: []string{"--preload", "-w", "1", "--log-level", "debug"}})
	s.want(200, "/")
	r := s.waitEvent("preload_forks_twice")
	if !strings.Contains(fmt.Sprint(r), "no libffi here") {
		t.Errorf("%v", r)
	}
}

// A module of the app's that has a name of the standard library's does not come in the way of the template.
func TestFault_B6_AModuleNamedCtypes(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"web.py": hookedApp, "ctypes.py": "raise ImportError('not for standpipe')\n"})
	s := start(t, opts{Dir: dir, App: "web:app", Args: []string{"--preload", "-w", "1", "--log-level", "debug"}})
	s.want(200, "/")
	if list := s.events("preload_forks_twice"); len(list) != 0 {
		t.Errorf("%v", list)
	}
}

// A daemon child of the template's is no worker's: one that leaves does not end it.
func TestFault_B6_ChildrenOfTheTemplate(t *testing.T) {
	t.Parallel()
	text := `import multiprocessing, os, time
child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,), daemon=True)
child.start()
CHILD = child.pid
own = multiprocessing.active_children

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [("%d %d" % (os.getpid(), CHILD)).encode()]
`
	s := start(t, opts{Dir: project(t, map[string]string{"web.py": text}), App: "web:app", Args: []string{"--preload", "-w", "1", "--max-requests", "1", "--max-requests-jitter", "0", "--log-level", "debug"}})
	for range 4 {
		f := strings.Fields(s.want(200, "/").Body)
		pid, _ := strconv.Atoi(f[0])
		child, _ := strconv.Atoi(f[1])
		s.remember(pid)
		s.exitOf(pid)
		if !alive(child) {
			t.Fatalf("the template's child %d ended with worker %d", child, pid)
		}
	}
}

// A stream that the app's import has opened on the descriptors of the output lives as long as the worker, and what it says is
// known to be the worker's.
func TestFault_B6_StreamsOfTheImport(t *testing.T) {
	t.Parallel()
	text := `import os
streams = [os.fdopen(os.dup(2), "w", 1), os.fdopen(os.dup(1), "w", 1), open("/dev/stderr", "w", 1), open("/proc/self/fd/1", "w", 1)]
unbuffered = open(os.dup(1), "wb", 0)
os.set_inheritable(unbuffered.fileno(), True)

def app(environ, start_response):
    for n, stream in enumerate(streams):
        print("stream", n, "of", os.getpid(), file=stream)
    unbuffered.write(b"stream %d of %d\n" % (len(streams), os.getpid()))
    start_response("200 OK", [])
    return [b"%d %d %d" % (os.getpid(), os.get_inheritable(streams[0].fileno()), os.get_inheritable(unbuffered.fileno()))]
`
	s := start(t, opts{Dir: project(t, map[string]string{"web.py": text}), App: "web:app", Args: []string{"-w", "1", "--preload", "--log-level", "debug"}})
	template := s.template()
	first := s.want(200, "/").Body
	f := strings.Fields(first)
	if len(f) != 3 || f[1] != "0" || f[2] != "1" {
		t.Errorf("inheritable: %q", first)
	}
	_ = syscall.Kill(template, syscall.SIGKILL)
	s.waitEvent("template_exit")
	for range 2 {
		if again := s.want(200, "/").Body; again != first {
			t.Fatalf("worker %s after %s", again, first)
		}
	}
	for n := range 5 {
		want := fmt.Sprintf("stream %d of %s", n, f[0])
		eventually(t, "three times "+want, func() bool {
			count := 0
			for _, r := range s.log() {
				if r.str("pid") == f[0] {
					count += strings.Count(r.str("message"), want)
				}
			}
			return count >= 3
		})
	}
}
