package integration

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Workers die, hang, stop, write garbage and grow, and clients leave, under load: each request that fails is named by
// the record of a worker's death or of a timeout, each that such a record calls lost has failed, and no POST runs twice.
func TestChaos(t *testing.T) {
	t.Parallel()
	const workers = 4
	duration := 12 * time.Second // about forty deeds
	if v := os.Getenv("STANDPIPE_SOAK"); v != "" {
		duration = 5 * time.Minute
	}
	dir := steady(t)
	ran := filepath.Join(dir, "ran")
	s := start(t, opts{App: "app:app", Dir: dir, Env: []string{"RAN=" + ran},
		Args: []string{"-w", fmt.Sprint(workers), "--timeout", "2", "--stream-timeout", "2", "--hard-rss", "150MiB", "--queue-timeout", "1m", "--trusted-fields", "for,proto,id"}})
	within(t, bootPatience, "all workers are there", func() bool { return s.status().Apps[0].Idle == workers })
	goroutines := func() float64 { return s.metrics("unix", s.controlSocket())["go_goroutines{}"] }
	fds, began := openFiles(s.Pid), goroutines()
	l := &load{s: s, rate: 200, posts: 0.2}
	l.begin()
	rnd := rand.New(rand.NewPCG(1, 2))
	deeds := map[string]int{}
	var failed []failure
	ask := func(target string, n int) {
		id := fmt.Sprintf("chaos-%s-%d", strings.Trim(target, "/"), n)
		k, err := s.link()
		if err == nil {
			err = k.ask("GET", target+"?"+id, id, "", id, false)
			k.close()
		}
		if err != nil {
			failed = append(failed, failure{id, target, err.Error()})
		}
	}
	missing := func() bool { return deeds["kill"]*deeds["stop"]*deeds["exit"]*deeds["leave"] == 0 }
	for n, start := 0, time.Now(); time.Since(start) < duration || missing() && time.Since(start) < bootPatience; n++ {
		deed := []string{"kill", "stop", "exit", "segv", "garbage", "leak", "leave", "leave"}[rnd.IntN(8)]
		deeds[deed]++
		pids := s.workers()
		if len(pids) == 0 { // all have died in one moment
			pause()
			continue
		}
		switch victim := pids[rnd.IntN(len(pids))]; deed {
		case "kill":
			_ = syscall.Kill(victim, syscall.SIGKILL)
		case "stop":
			_ = syscall.Kill(victim, syscall.SIGSTOP)
		case "exit", "segv", "garbage":
			ask("/"+deed, n)
		case "leak":
			for i := range 100 {
				ask("/leak", 1000*n+i)
			}
		case "leave":
			for range 10 {
				if c, err := s.dial(); err == nil {
					_, _ = io.WriteString(c, "POST /stream HTTP/1.1\r\nHost: gone\r\nContent-Length: 10\r\n\r\n12345"[:20+rnd.IntN(40)])
					c.Close()
				}
			}
		}
		time.Sleep(time.Duration(rnd.IntN(600)) * time.Millisecond)
	}
	sent, more := l.end()
	failed = append(failed, more...)
	t.Logf("%d requests, %d failed, deeds %v", sent, len(failed), deeds)

	// Whatever was stopped and has nothing to do is no worse than the others: it is found out by its next request.
	// Here it may go on.
	for _, pid := range s.workers() {
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}
	within(t, 5*patience, "all workers are there and idle", func() bool { // five seconds, in time bounds of ten times that
		a := s.status().Apps[0]
		return a.Idle == workers && a.Workers == workers && len(s.workers()) == workers
	})
	if failed := s.burst(8, 400); len(failed) > 0 {
		t.Errorf("after it all %d of 400 requests failed: %v", len(failed), failed[0])
	}
	eventually(t, "the descriptors are back", func() bool { return openFiles(s.Pid) <= fds+2 })
	eventually(t, "the goroutines are back", func() bool { return goroutines() <= began+2 })

	// One record for each death, and in it what became of each request. That of a timeout comes when the stacks are there.
	var lost map[string]string
	unnamed := func() bool {
		lost = s.lost()
		for _, f := range failed {
			if lost[f.id] == "" {
				return true
			}
		}
		return false
	}
	for end := time.Now().Add(patience); unnamed() && time.Now().Before(end); {
		pause()
	}
	named := map[string]bool{}
	for _, f := range failed {
		named[f.id] = true
		if lost[f.id] == "" {
			t.Errorf("no record names %v; the log has: %s", f, s.linesWith(f.id))
		}
	}
	for id, what := range lost {
		if !named[id] && !strings.HasPrefix(id, "chaos-garbage") { // which has written its answer into the garbage
			t.Errorf("a record says %s of %s, whose client had no error; the log has: %s", what, id, s.linesWith(id))
		}
	}

	// Each POST that was answered has run once, and none twice.
	times := map[string]int{}
	b, err := os.ReadFile(ran)
	if err != nil {
		t.Fatal(err)
	}
	for id := range strings.FieldsSeq(string(b)) {
		if times[id]++; times[id] > 1 {
			t.Errorf("POST %s has run %d times", id, times[id])
		}
	}
	for _, id := range l.posted {
		if !named[id] && times[id] != 1 {
			t.Errorf("POST %s was answered and has run %d times", id, times[id])
		}
	}
	if missing() {
		t.Errorf("deeds: %v", deeds)
	}
}

// lost are the requests, by id, that the log says were lost with a worker or had no answer in time.
func (s *server) lost() map[string]string {
	lost := map[string]string{}
	for _, r := range s.events("worker_exit") {
		for id, fate := range r.fates() {
			if strings.HasPrefix(fate, "50") || strings.HasPrefix(fate, fateCut) {
				lost[id] = fate
			}
		}
	}
	for _, r := range s.events("request_timeout") {
		lost[r.str("id")] = "timeout"
	}
	return lost
}

// linesWith are the lines of both logs that hold text.
func (s *server) linesWith(text string) string {
	var found []string
	for _, line := range append(s.err.all(), s.out.all()...) {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return strings.Join(found, "\n")
}

func openFiles(pid int) int {
	list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return len(list)
}
