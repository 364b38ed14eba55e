package integration

import (
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// orphans makes processes that lose their parent: some have ended before it, some end after it.
const orphans = `import os, subprocess, time


def app(environ, start_response):
    if environ["PATH_INFO"] == "/orphans":
        for number in range(int(environ["QUERY_STRING"])):
            pid = os.fork()
            if pid == 0:
                if os.fork() == 0:
                    time.sleep(number % 10 / 100)
                os._exit(0)
            os.waitpid(pid, 0)
    elif environ["PATH_INFO"] == "/run":
        assert subprocess.call(["sh", "-c", "exit 7"]) == 7
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
`

// zombies are the children of parent that have ended and have not been waited for.
func zombies(parent int) (list []int) {
	for _, pid := range pids() {
		if st, ok := procStat(pid); ok && st.ppid == parent && st.state == 'Z' {
			list = append(list, pid)
		}
	}
	return list
}

// As PID 1 standpipe waits for every orphan, and for its own workers no less: their deaths keep their causes.
func TestPid1(t *testing.T) {
	t.Parallel()
	needRoot(t)
	unshare := []string{"unshare", "--pid", "--fork", "--mount-proc"}
	if out, err := exec.Command(unshare[0], append(unshare[1:], "true")...).CombinedOutput(); err != nil {
		skip(t, "no-namespace", string(out)+err.Error())
	}
	s := start(t, opts{Dir: project(t, map[string]string{"app.py": orphans}), App: "app:app",
		Argv: append(unshare, "{bin}", "serve"), Args: []string{"-w", "2", "--queue-timeout", "5m", "--timeout", "10m"}})
	inside := children(s.Pid)
	if len(inside) != 1 {
		t.Fatalf("unshare has the children %v", inside)
	}
	s.Pid = inside[0]
	s.workers()
	l := make([]*async, 4)
	for i := range l {
		l[i] = s.background("/orphans?250")
	}
	s.want(200, "/run")
	for _, a := range l {
		if r := a.wait(t); r.Status != 200 {
			t.Errorf("%d %q", r.Status, r.Body)
		}
	}
	// 5 s is the promise; the assertion is for a machine that is busy with other things.
	began := time.Now()
	within(t, patience, "no zombie is left", func() bool { return len(s.workers()) == 2 && len(zombies(s.Pid)) == 0 })
	t.Logf("no zombie after %v", time.Since(began))

	for n := 1; n <= 5; n++ {
		old := s.workers()[0]
		if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the record of the death", func() bool { return len(s.events("worker_exit")) == n })
		if r := s.events("worker_exit")[n-1]; r.str("cause") != "signal:9" {
			t.Errorf("%v", r)
		}
		eventually(t, "two workers", func() bool { return len(s.workers()) == 2 })
		s.want(200, "/orphans?20")
		eventually(t, "the orphans have ended", func() bool { return len(s.workers()) == 2 && len(zombies(s.Pid)) == 0 })
	}

	// Another process cannot be the container's first one.
	s.usr2()
	if r := s.waitEvent("upgrade_refused"); !r.names("PID 1") {
		t.Errorf("%v", r)
	}
	s.want(200, "/run")
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// SIGTERM to every process at once, as systemd and some container runtimes send it: all that runs is answered.
func TestStopOfTheWholeTree(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ workers, threads int }{{4, 5}, {20, 1}} {
		t.Run(strconv.Itoa(c.workers)+" workers", func(t *testing.T) {
			t.Parallel()
			s := lifecycle(t, c.workers, opts{Args: []string{"--threads", strconv.Itoa(c.threads), "--timeout", "10m"}}) // 20 workers boot meanwhile
			g := newGate(t)
			const n = 20
			var l [n]*async
			for i := range l {
				l[i] = s.background("/gate?path=" + g.path)
			}
			within(t, bootPatience, "20 requests run", func() bool {
				k := 0
				for _, line := range s.output() {
					k += strings.Count(line, "at the gate")
				}
				return k == n
			})
			all := tree(s.Pid)
			if len(all) != 1+c.workers {
				t.Fatalf("the tree is %v", all)
			}
			for _, pid := range all {
				if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
			}
			s.waitEvent("stopping")
			g.open(t)
			for _, a := range l {
				if r := a.wait(t); r.Status != 200 || r.Body != "through" {
					t.Errorf("%d %q", r.Status, r.Body)
				}
			}
			if code := s.wait(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if r := s.events("worker_exit"); len(r) > 0 {
				t.Errorf("%v", r)
			}
		})
	}
}

// A worker that does everything to stay, with a grandchild: it is gone within the budget.
func TestStopOfAStubbornWorker(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": `import os, signal, subprocess, threading, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def stay():
    while True:
        time.sleep(1)
def app(environ, start_response):
    threading.Thread(target=stay, daemon=False).start()
    script = "trap '' TERM; sh -c \"trap '' TERM; echo \\$\\$; while :; do sleep 1; done\" & wait"
    child = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE)
    grandchild = child.stdout.readline().decode().strip()
    body = ("%d %d %s" % (os.getpid(), child.pid, grandchild)).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
`})
	const budget = 8 * time.Second
	s := start(t, opts{Dir: dir, App: "app:app", Args: []string{"-w", "2", "--stop-timeout", "8"}})
	var all []int
	for range 4 {
		for f := range strings.FieldsSeq(s.want(200, "/").Body) {
			pid, err := strconv.Atoi(f)
			if err != nil || !alive(pid) {
				t.Fatalf("%q is no process: %v", f, err)
			}
			all = append(all, pid)
		}
	}
	began := time.Now()
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(began); took > budget+time.Minute { // a guard against hanging
		t.Errorf("the stop took %v of %v", took, budget)
	}
	// A process that was killed may need the processor once more to end.
	eventually(t, "no process is left", func() bool { return !slices.ContainsFunc(all, alive) })
}
