package integration

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// exitApps do something at their end that waits for a gate, and write to a file when it begins and when it is done.
var exitApps = map[string]string{
	"atexit": "atexit.register(slow)\n",
	"thread": "threading.Thread(target=lambda: (threading.main_thread().join(), slow())).start()\n",
	"executor": `from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(1)
work = lambda: pool.submit(slow)
`,
	"child": `import multiprocessing
def work():
    multiprocessing.get_context("fork").Process(target=slow).start()
`,
}

const exitApp = `import atexit, os, threading, time
HERE = os.path.dirname(os.path.abspath(__file__))
work = lambda: None

def note(what):
    fd = os.open(os.path.join(HERE, "notes"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(fd, (what + "\n").encode())
    os.close(fd)

def slow():
    note("begin")
    while not os.path.exists(os.path.join(HERE, "gate")):
        time.sleep(0.01)
    note("end")

def app(environ, start_response):
    global work
    if environ["PATH_INFO"] == "/work":
        work()
        work = lambda: None
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
`

func notes(dir, what string) int {
	b, _ := os.ReadFile(filepath.Join(dir, "notes"))
	return strings.Count(string(b), what+"\n")
}

// pastGrace is longer than term_grace and what comes before it: within it a worker that was not given the budget is killed.
const pastGrace = 3 * time.Second

// What an app does at its end may use the stop budget, and drain_timeout where its worker is replaced.
func TestFault_B7_ExitHooksUseTheBudget(t *testing.T) {
	for name, code := range exitApps {
		for how, args := range map[string][]string{"stop": nil, "reload": nil, "max_requests": {"--max-requests", "2", "--max-requests-jitter", "0"}, "preload": {"--preload"}} {
			t.Run(name+"/"+how, func(t *testing.T) {
				t.Parallel()
				if how == "preload" && name == "thread" {
					return // it is not there in the workers
				}
				dir := project(t, map[string]string{"web.py": exitApp + code})
				s := start(t, opts{Dir: dir, App: "web:app", Args: append([]string{"-w", "1", "--stop-timeout", "2m", "--log-level", "debug"}, args...)})
				pid, _ := strconv.Atoi(s.want(200, "/work").Body)
				s.remember(pid)
				switch how {
				case "stop", "preload":
					_ = syscall.Kill(s.Pid, syscall.SIGTERM)
				case "reload":
					_ = syscall.Kill(s.Pid, syscall.SIGHUP)
				case "max_requests":
					s.want(200, "/")
				}
				within(t, time.Minute, "the exit hook begins", func() bool { return notes(dir, "begin") >= 1 })
				time.Sleep(pastGrace)
				write(t, dir, map[string]string{"gate": ""})
				r := s.waitLog(func(r record) bool { return r.event() == "worker_exit" && r.str("pid") == strconv.Itoa(pid) }, "its end")
				if r.str("cause") != "exit:0" || notes(dir, "end") < 1 {
					t.Errorf("%d ended: %v", notes(dir, "end"), r)
				}
				end := s.stop
				if how == "stop" || how == "preload" { // a second signal would end it at once
					end = s.wait
				}
				if code := end(); code != 0 {
					t.Errorf("exit code %d", code)
				}
				if begun, ended := notes(dir, "begin"), notes(dir, "end"); begun != ended {
					t.Errorf("%d exit hooks began and %d ended", begun, ended)
				}
				for _, r := range append(s.events("worker_exit"), s.events("template_exit")...) {
					if r.str("cause") != "exit:0" {
						t.Errorf("%v", r)
					}
				}
			})
		}
	}
}

// Where the budget does not suffice the worker is killed, and a warning says in what it was; the stop is within the budget.
func TestFault_B7_KillIsAWarning(t *testing.T) {
	t.Parallel()
	for how, args := range map[string][]string{"stop": {"--stop-timeout", "12s"}, "reload": {"--drain-timeout", "10s", "--term-grace", "1s"}} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			dir := project(t, map[string]string{"web.py": exitApp + exitApps["atexit"]})
			s := start(t, opts{Dir: dir, App: "web:app", Args: append([]string{"-w", "1"}, args...)})
			pid, _ := strconv.Atoi(s.want(200, "/").Body)
			if how == "reload" {
				_ = syscall.Kill(s.Pid, syscall.SIGHUP)
			} else {
				_ = syscall.Kill(s.Pid, syscall.SIGTERM)
			}
			var r record
			within(t, 2*time.Minute, "the record of the kill", func() bool {
				for _, r = range s.events("worker_exit") {
					if r.str("pid") == strconv.Itoa(pid) {
						return true
					}
				}
				return false
			})
			if r.str("level") != "warn" || r.str("cause") != "signal:9" || r.str("sender") != "standpipe" || r.str("error") == "" || !strings.Contains(r.str("stacks"), "slow") {
				t.Errorf("%v", r)
			}
			write(t, dir, map[string]string{"gate": ""})
			if how == "stop" {
				s.wait() // a second signal would cut the rest of the stop short
			} else {
				s.stop()
			}
		})
	}
}

// What an app has started and not waited for ends with its worker; the log names it.
func TestFault_B7_ChildrenAreNamed(t *testing.T) {
	t.Parallel()
	text := `import os, subprocess
def app(environ, start_response):
    child = subprocess.Popen(["sleep", "600"])
    own = subprocess.Popen(["sleep", "601"], start_new_session=True)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d %d %d" % (os.getpid(), child.pid, own.pid)]
`
	for how, args := range map[string][]string{"max_requests": {"--max-requests", "1", "--max-requests-jitter", "0"}, "stop": nil, "preload": {"--preload"}} {
		t.Run(how, func(t *testing.T) {
			s := start(t, opts{Dir: project(t, map[string]string{"web.py": text}), App: "web:app", Args: append([]string{"-w", "1"}, args...)})
			f := strings.Fields(s.want(200, "/").Body)
			child, _ := strconv.Atoi(f[1])
			own, _ := strconv.Atoi(f[2])
			if how != "max_requests" {
				s.stop()
			}
			r := s.waitEvent("children_ended")
			left := "sleep " + f[1]
			if groupsAtHand() {
				left += ", sleep " + f[2]
			}
			if r.str("level") != "warn" || r.str("children") != left || r.str("pid") != f[0] {
				t.Errorf("%v", r)
			}
			eventually(t, "the child has ended", func() bool { return !alive(child) })
			if groupsAtHand() {
				eventually(t, "the one with a session of its own has ended", func() bool { return !alive(own) })
			} else if !alive(own) {
				t.Error("the one with a session of its own has ended, too")
			}
			_ = syscall.Kill(own, syscall.SIGKILL)
		})
	}
}

// Without a limit a worker may take as long as it wants, and a record says every ten seconds what it waits for.
func TestFault_B7_NoLimitIsNotSilent(t *testing.T) {
	for how, args := range map[string][]string{"stop": {"--stop-timeout", "0"}, "preload": {"--stop-timeout", "0", "--preload"}, "reload": {"--drain-timeout", "0"}} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			dir := project(t, map[string]string{"web.py": exitApp + exitApps["atexit"]})
			s := start(t, opts{Dir: dir, App: "web:app", Args: append([]string{"-w", "1"}, args...)})
			pid := s.want(200, "/").Body
			if how == "reload" {
				_ = syscall.Kill(s.Pid, syscall.SIGHUP)
			} else {
				_ = syscall.Kill(s.Pid, syscall.SIGTERM)
			}
			within(t, 2*time.Minute, "two records", func() bool { return len(s.events("exit_waits")) >= 2 })
			s.waitLog(func(r record) bool { // a look may find it in os.path.exists
				return r.event() == "exit_waits" && r.str("pid") == pid && r.str("state") == "stopping" && strings.Contains(r.str("at"), "in slow")
			}, "what the worker waits for")
			write(t, dir, map[string]string{"gate": ""})
			end := s.wait
			if how == "reload" {
				n, _ := strconv.Atoi(pid)
				eventually(t, "it has ended", func() bool { return !alive(n) })
				end = s.stop
			}
			if code := end(); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}
