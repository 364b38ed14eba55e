package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// manyApps is how many apps one supervisor carries in the test: a few, or, with STANDPIPE_BIG, as many as docs/measurements/scaling.md
// speaks of.
func manyApps() int {
	if os.Getenv("STANDPIPE_BIG") != "" {
		return 200
	}
	return 60
}

// Many apps with one idle worker each: all answer, and without requests no process does anything. The bounds are many
// times what docs/measurements/scaling.md says, which is measured; they catch a tick per app or a buffer too many, not some percent.
// Not parallel: that many interpreters are enough for one machine.
func TestManyApps(t *testing.T) {
	n := manyApps()
	files := map[string]string{}
	var conf strings.Builder
	conf.WriteString("[[listen]]\naddress = \"127.0.0.1:0\"\n")
	for i := range n {
		files[fmt.Sprintf("app%d/hello.py", i)] = fmt.Sprintf(`def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"app %d at " + environ["SCRIPT_NAME"].encode()]
`, i)
		fmt.Fprintf(&conf, "\n[[app]]\nname = \"app%d\"\nmodule = \"hello:app\"\ndir = \"app%d\"\nmount = \"/app%d\"\nworkers = 1\n", i, i, i)
	}
	files["standpipe.toml"] = conf.String()

	began := time.Now()
	s := start(t, opts{Dir: project(t, files), Args: []string{"-c", "standpipe.toml"}, Apps: n, Python: systemPython(t)})
	t.Logf("%d apps: all ready %.1f s after the start", n, time.Since(began).Seconds())
	for i := range n {
		if r := s.want(200, fmt.Sprintf("/app%d/", i)); r.Body != fmt.Sprintf("app %d at /app%d", i, i) {
			t.Errorf("app %d answered %q", i, r.Body)
		}
	}
	all := tree(s.Pid)
	workers := s.workers()
	if len(workers) != n {
		t.Fatalf("%d workers, want %d", len(workers), n)
	}

	const look = 5 * time.Second // long enough for each tick there is, but for the poll of a reaper
	before, from := cpuTime(t, all...), time.Now()
	time.Sleep(look) // what is measured is that nothing happens
	spent := cpuTime(t, all...) - before
	share := 100 * spent.Seconds() / time.Since(from).Seconds()
	threads := threadsOf(s.Pid)
	size := memoryOf(t, s.Pid, "Rss")
	var pss int
	for _, pid := range workers {
		pss += memoryOf(t, pid, "Pss") / n
	}
	t.Logf("idle: %.2f %% of a core; standpipe: %d threads, RSS %.1f MiB; a worker: PSS %.1f MiB", share, threads, float64(size)/1024, float64(pss)/1024)
	if share > 10 {
		t.Errorf("%d idle apps cost %.1f %% of a core", n, share)
	}
	// Some 45 are kept in reserve from the start, whatever the number of apps is: a server of one app has as many.
	one := start(t, opts{Dir: project(t, map[string]string{"app.py": hello("x")}), App: "app:app", Args: []string{"-w", "1"}, Python: systemPython(t)})
	if base := threadsOf(one.Pid); threads > base+n/4 {
		t.Errorf("standpipe has %d threads for %d workers and %d for one: something holds one for each", threads, n, base)
	}
	one.stop()
	if most := 3 * (32<<10 + n*150); size > most {
		t.Errorf("standpipe's RSS is %d KiB for %d idle apps, more than %d", size, n, most)
	}
	if pss > 3*6<<10 {
		t.Errorf("the PSS of an idle worker is %d KiB", pss)
	}

	s.stop()
	for _, pid := range all {
		if alive(pid) && (pid == s.Pid || ownWorker(pid)) {
			t.Errorf("pid %d is still there after the stop", pid)
		}
	}
}

// threadsOf counts the threads of a process.
func threadsOf(pid int) int {
	list, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	return len(list)
}

// cpuTime is the processor time of processes so far; the kernel counts it in hundredths of a second.
func cpuTime(t testing.TB, pids ...int) time.Duration {
	t.Helper()
	var ticks int
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			t.Fatal(err)
		}
		f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
		for _, field := range f[11:13] { // utime, stime
			v, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			ticks += v
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// memoryOf is a line of /proc/PID/smaps_rollup, in KiB.
func memoryOf(t testing.TB, pid int, name string) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^` + name + `:\s+(\d+)`).FindSubmatch(b)
	if found == nil {
		t.Fatalf("no %s in %s", name, b)
	}
	kib, _ := strconv.Atoi(string(found[1]))
	return kib
}
