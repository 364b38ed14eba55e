package integration

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// soakTime is how long a soak takes: STANDPIPE_SOAK, a few seconds when it is not set.
func soakTime(t testing.TB) time.Duration {
	t.Helper()
	v := os.Getenv("STANDPIPE_SOAK")
	if v == "" {
		return 4 * time.Second
	}
	d, err := time.ParseDuration(v)
	if err != nil {
		t.Fatalf("STANDPIPE_SOAK: %v", err)
	}
	return d
}

// Under load, workers are killed again and again. Every answer is whole or is an error of ours; nothing is left behind.
func TestSoakKilledWorkers(t *testing.T) {
	s := lifecycle(t, 3, opts{Args: []string{"--access-log", "off"}})
	fds := func() int {
		list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.Pid))
		return len(list)
	}
	eventually(t, "all workers are ready", func() bool { return s.status().Apps[0].Ready == 3 })
	s.want(200, "/pid")
	before := fds()
	var good, refused, bad atomic.Int64
	body := strings.Repeat("0123456789abcdef", 10_000)
	sum := hexSum([]byte(body))
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				req := s.request("GET", "/env?name=LANG", nil)
				want := "C.UTF-8"
				if i%5 == 0 {
					req, want = s.request("POST", "/sum", strings.NewReader(body)), sum
				}
				r, err := s.try(req)
				switch {
				case err == nil && r.Status == 200 && r.Body == want:
					good.Add(1)
				case err == nil && (r.Status == 502 || r.Status == 503):
					refused.Add(1)
				case err != nil: // a connection cut after the head: the client can tell
					refused.Add(1)
				default:
					bad.Add(1)
					t.Errorf("%d %.100q", r.Status, r.Body)
				}
			}
		})
	}
	kills, killed := 0, map[int]bool{}
	for end := time.Now().Add(soakTime(t)); time.Now().Before(end); {
		time.Sleep(300 * time.Millisecond)                                                // the rhythm of the deaths, not a wait for anything
		list := slices.DeleteFunc(s.workers(), func(pid int) bool { return killed[pid] }) // it may need the processor once more to end
		if len(list) > 0 {
			pid := list[kills%len(list)]
			_ = syscall.Kill(pid, syscall.SIGKILL)
			killed[pid] = true
			kills++
		}
	}
	close(stop)
	clients.Wait()
	t.Logf("%d good, %d refused, %d bad answers; %d kills", good.Load(), refused.Load(), bad.Load(), kills)
	if good.Load() == 0 || kills == 0 {
		t.Errorf("nothing happened: %d good answers, %d kills", good.Load(), kills)
	}
	within(t, bootPatience, "three workers again", func() bool { return len(s.workers()) == 3 && s.get("/pid").Status == 200 })
	within(t, bootPatience, "no descriptor is lost", func() bool { return fds() <= before+3 })
	eventually(t, "every death is recorded", func() bool { return len(s.events("worker_exit")) >= kills })
	if n := len(s.events("worker_exit")); n != kills {
		t.Errorf("%d worker_exit records for %d kills", n, kills)
	}
}
