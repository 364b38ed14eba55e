package integration

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// busy sends requests from so many clients until stop is closed; counts has how many each has had answered. wait waits
// for the clients and returns what failed.
func (s *server) busy(clients int, target string) (counts []atomic.Int64, stop func(), wait func() []error) {
	counts = make([]atomic.Int64, clients)
	quit := make(chan bool)
	var mu sync.Mutex
	var failed []error
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			k, err := s.link()
			defer func() { k.close() }()
			for err == nil {
				select {
				case <-quit:
					return
				default:
				}
				if err = k.ask("GET", target, fmt.Sprint("busy", c), "", "", true); err == nil {
					counts[c].Add(1)
				}
			}
			mu.Lock()
			failed = append(failed, err)
			mu.Unlock()
		})
	}
	return counts, func() { close(quit) }, func() []error { wg.Wait(); return failed }
}

// moved reports how many clients have had more than n answers since before.
func moved(counts []atomic.Int64, before []int64, n int64) int {
	moving := 0
	for i := range counts {
		if counts[i].Load() > before[i]+n {
			moving++
		}
	}
	return moving
}

func snapshot(counts []atomic.Int64) []int64 {
	list := make([]int64, len(counts))
	for i := range counts {
		list[i] = counts[i].Load()
	}
	return list
}

// A request that takes long delays no request that was sent to its worker behind it, while it waits or runs Python: all of them are
// answered, many times over, before it ends.
func TestASlowRequestHoldsUpNobody(t *testing.T) {
	for _, how := range []string{"sleep", "loop"} {
		t.Run(how, func(t *testing.T) {
			s := start(t, opts{App: "app:app", Dir: appDir(t, "prefetch"), Args: []string{"-w", "2", "--prefetch", "8", "--access-log", "off"}})
			counts, stop, wait := s.busy(16, "/")
			eventually(t, "everybody is served", func() bool { return moved(counts, make([]int64, 16), 200) == 16 })
			g := newGate(t)
			for range 3 { // with one it may come about that nothing stood behind it
				slow := s.background("/" + how + "?" + g.path)
				before := snapshot(counts)
				eventually(t, "all go on beside the slow one", func() bool { return moved(counts, before, 100) == 16 })
				g.open(t)
				slow.wait(t)
				_ = os.Remove(g.path)
			}
			stop()
			if failed := wait(); len(failed) > 0 {
				t.Error(failed)
			}
		})
	}
}

// While C code holds the interpreter what was sent to that worker cannot be taken back: no more than prefetch are stuck, and
// they are counted.
func TestCodeThatHoldsTheInterpreter(t *testing.T) {
	const prefetch = 4
	s := start(t, opts{App: "app:app", Dir: appDir(t, "prefetch"), Args: []string{"-w", "2", "--prefetch", fmt.Sprint(prefetch), "--access-log", "off", "--metrics", "127.0.0.1:0"}})
	own := strings.TrimSuffix(strings.TrimPrefix(s.waitEvent("metrics").str("address"), "http://"), "/metrics")
	stuck := func() float64 {
		for name, n := range s.metrics("tcp", own) {
			if strings.HasPrefix(name, "standpipe_prefetch_stuck_total{") {
				return n
			}
		}
		t.Fatal("no such metric")
		return 0
	}
	counts, stop, wait := s.busy(16, "/")
	eventually(t, "everybody is served", func() bool { return moved(counts, make([]int64, 16), 200) == 16 })
	for try := 1; stuck() == 0; try++ {
		if try > 20 {
			t.Fatal("in 20 tries nothing stood behind the one that holds on")
		}
		s.must("reload") // what was slow counts against its generation alone
		before := snapshot(counts)
		eventually(t, "everybody is served", func() bool { return moved(counts, before, 100) == 16 })
		fifo := filepath.Join(t.TempDir(), "fifo")
		if err := syscall.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		hold := s.background("/hold?" + fifo)
		eventually(t, "the app holds the interpreter", func() bool {
			_, err := os.Stat(fifo + ".held")
			return err == nil
		})
		before = snapshot(counts)
		since := time.Now()
		eventually(t, fmt.Sprintf("all but %d go on beside it, for longer than what is stuck is told from what is slow", prefetch), func() bool {
			return moved(counts, before, 100) >= 16-prefetch && time.Since(since) > 200*time.Millisecond
		})
		if !hold.running() {
			t.Error("the interpreter was not held")
		}
		free, err := os.OpenFile(fifo, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		free.Close()
		if r := hold.wait(t); r.Status != 200 {
			t.Fatal(r.Status)
		}
	}
	stop()
	if failed := wait(); len(failed) > 0 {
		t.Error(failed)
	}
}

// Half POST, half GET, while workers are killed and requests are recalled: nothing is lost but what had started, no POST runs
// twice, no GET more than twice and only after a death; with retry = "never" nothing runs twice.
func TestNothingRunsTwice(t *testing.T) {
	t.Parallel()
	many := 1 // with STANDPIPE_BIG more than 100,000 requests
	if os.Getenv("STANDPIPE_BIG") != "" {
		many = 3
	}
	for _, c := range []struct {
		retry    string
		requests int
	}{{"safe", many * 35000}, {"never", many * 12000}} {
		t.Run(c.retry, func(t *testing.T) {
			t.Parallel()
			ran := filepath.Join(t.TempDir(), "ran")
			s := start(t, opts{App: "app:app", Dir: appDir(t, "prefetch"), Env: []string{"RAN=" + ran},
				Args: []string{"-w", "3", "--prefetch", "8", "--retry", c.retry, "--access-log", "off", "--queue-timeout", bootQueue}})
			const clients, deaths = 24, 20
			var kills atomic.Int64
			end := time.Now().Add(2 * bootPatience)
			var answered, refused sync.Map // id -> true
			var next atomic.Int64
			var done atomic.Bool
			var wg sync.WaitGroup
			for range clients {
				wg.Go(func() {
					var k *link
					defer func() { k.close() }()
					for n := next.Add(1); n <= int64(c.requests) || kills.Load() < deaths && time.Now().Before(end); n = next.Add(1) {
						path, method := "/", "GET"
						if n%2 == 0 {
							method = "POST"
						}
						if n%400 < 2 {
							path = "/brief"
						}
						id := fmt.Sprintf("%s %d", method, n)
						var err error
						if k == nil {
							k, err = s.link()
						}
						if err == nil {
							err = k.ask(method, fmt.Sprintf("%s?%d", path, n), fmt.Sprint("t", n), "", fmt.Sprint(n), true)
						}
						switch {
						case err == nil:
							answered.Store(id, true)
						case strings.Contains(err.Error(), "status 502"):
							refused.Store(id, true)
						default:
							t.Errorf("%s: %v", id, err)
							k.close()
							k = nil
						}
					}
				})
			}
			var killer sync.WaitGroup
			killer.Go(func() {
				rnd := rand.New(rand.NewPCG(4, 6))
				for at := int64(0); !done.Load(); pause() {
					if next.Load() < at+250 { // by what was done, not by time: a busy machine boots no worker in so short a time
						continue
					}
					if pids := s.workers(); len(pids) > 1 && syscall.Kill(pids[rnd.IntN(len(pids))], syscall.SIGKILL) == nil {
						kills.Add(1)
						at = next.Load()
					}
				}
			})
			wg.Wait()
			done.Store(true)
			killer.Wait()
			killed := int(kills.Load())
			if killed < deaths {
				t.Errorf("only %d kills", killed)
			}
			b, err := os.ReadFile(ran)
			if err != nil {
				t.Fatal(err)
			}
			runs := map[string]int{}
			for _, id := range strings.Split(strings.TrimSpace(string(b)), "\n") {
				runs[id]++
			}
			twice := 0
			for id, n := range runs {
				if n > 1 {
					twice++
				}
				if n > 2 || n > 1 && (strings.HasPrefix(id, "POST") || c.retry == "never") {
					t.Errorf("%s ran %d times", id, n)
				}
			}
			if twice > killed { // of all that is at a worker one has started
				t.Errorf("%d requests ran twice, %d workers were killed", twice, killed)
			}
			lost := 0
			refused.Range(func(any, any) bool { lost++; return true })
			if lost > killed {
				t.Errorf("%d requests were answered 502, %d workers were killed", lost, killed)
			}
			answered.Range(func(id, _ any) bool {
				if runs[id.(string)] == 0 {
					t.Errorf("%s was answered, and never ran", id)
				}
				return true
			})
			t.Logf("%d requests, %d kills, %d ran twice, %d answered 502", next.Load()-clients, killed, twice, lost)
		})
	}
}

// With the same work for all, each worker of a fixed number gets its share, give or take 5 %. On a machine that does other things
// too a worker may be slower for a while: one of ten looks has to be even.
func TestEvenShares(t *testing.T) {
	for _, workers := range []int{2, 4} {
		s := start(t, opts{App: "app:app", Dir: appDir(t, "prefetch"), Args: []string{"-w", fmt.Sprint(workers), "--access-log", "off"}})
		eventually(t, "all workers are ready", func() bool { return s.status().Apps[0].Ready == workers })
		for try := 1; ; try++ {
			share := s.shares(5000)
			even := len(share) == workers
			for _, n := range share {
				mean := 5000 / workers
				even = even && n > mean*95/100 && n < mean*105/100
			}
			if even {
				break
			}
			t.Logf("look %d: %d workers ran %v", try, workers, share)
			if try == 10 {
				t.Errorf("of %d workers some have more than their share in each of ten looks", workers)
				break
			}
		}
	}
}

// shares are the requests that each worker ran, by its pid, of so many from eight clients.
func (s *server) shares(requests int64) map[string]int {
	s.t.Helper()
	var mu sync.Mutex
	share := map[string]int{}
	var wg sync.WaitGroup
	var next atomic.Int64
	for range 8 {
		wg.Go(func() {
			c := s.client()
			for next.Add(1) <= requests {
				resp, err := c.Get(s.URL + "/even")
				if err != nil {
					s.t.Error(err)
					return
				}
				b, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				pid := string(b)
				if resp.StatusCode != http.StatusOK {
					s.t.Errorf("%d %s", resp.StatusCode, b)
				}
				mu.Lock()
				share[pid]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return share
}
