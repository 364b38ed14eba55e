package integration

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// sharedMaps counts the shared memory of workers that a process has mapped.
func sharedMaps(pid int) int {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	return strings.Count(string(b), "/memfd:standpipe")
}

// Answers whose blocks are larger than what one frame holds, again and again, on every interpreter: a block of the shared memory
// that is not given back would be missed after the sixteenth of them.
func TestFault_D13_LargeAnswers(t *testing.T) {
	t.Parallel()
	list := interpreters(t)
	for _, path := range list {
		t.Run(path, func(t *testing.T) {
			for name, args := range map[string][]string{"sync": nil, "threads": {"--threads", "4"}} {
				s := start(t, opts{App: "app:app", Dir: appDir(t, "shared"), Python: path, Args: append([]string{"-w", "1"}, args...)})
				for i := range 10 {
					for _, size := range []int{256 << 10, 256<<10 + 1, 1 << 20, 5<<20 + 7} {
						id := fmt.Sprintf("%s-%d-%d", name, i, size)
						line := []byte(id + " of all the water\n")
						want := bytes.Repeat(line, size/len(line)+1)[:size]
						for _, kind := range []string{"list", "one", "write", "parts"} {
							r, err := s.try(s.request("GET", fmt.Sprintf("/%s/%s/%d", kind, id, size), nil))
							if err != nil || r.Status != 200 || r.Body != string(want) {
								t.Fatalf("%s: %s of %d bytes, request %d: %v", name, kind, size, i, err)
							}
						}
					}
					body := bytes.Repeat([]byte("up"), 40<<10)
					if r, err := s.try(s.request("POST", "/", bytes.NewReader(body))); err != nil || r.Status != 200 || r.Body != string(body) {
						t.Fatalf("%s: echo, request %d: %v", name, i, err)
					}
				}
				if n := len(s.events("worker_exit")); n != 0 {
					t.Errorf("%s: %d workers ended", name, n)
				}
			}
		})
	}
}

// Large bodies, both ways, of many requests at a time: each has its own bytes. They lie in memory that is made for the first
// of them and goes with the worker.
func TestSharedMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		skip(t, "not-linux", "sealed memory files are Linux's")
	}
	for name, args := range map[string][]string{"sync": nil, "threads": {"--threads", "4"}, "preload": {"--preload"}} {
		t.Run(name, func(t *testing.T) {
			s := start(t, opts{App: "app:app", Dir: appDir(t, "shared"), Args: append([]string{"-w", "2", "--access-log", "off"}, args...)})
			eventually(t, "both workers are ready", func() bool { return s.status().Apps[0].Ready == 2 })
			s.want(200, "/list/small/20000")
			workers := s.workers()
			if n := sharedMaps(s.Pid); n != 0 {
				t.Errorf("%d memories before the first large body", n)
			}
			var clients sync.WaitGroup
			for c := range 12 {
				rnd := rand.New(rand.NewPCG(uint64(c), 5))
				clients.Go(func() {
					for i := range 20 {
						name := fmt.Sprintf("%d-%d", c, i)
						kind := []string{"list", "parts", "echo"}[rnd.IntN(3)]
						size := rnd.IntN([]int{90 << 10, 600 << 10, 5 << 20}[rnd.IntN(3)])
						line := []byte(name + " of all the water\n")
						want := bytes.Repeat(line, size/len(line)+1)[:size]
						method, path, body := "GET", fmt.Sprintf("/%s/%s/%d", kind, name, size), []byte(nil)
						if kind == "echo" {
							method, path, body = "POST", "/", want[:min(size, 70<<10)]
							want = body
						}
						r, err := s.try(s.request(method, path, bytes.NewReader(body)))
						if err != nil || r.Status != 200 || r.Body != string(want) {
							t.Errorf("%s %s with %d bytes: %v", method, path, len(body), err)
							return
						}
					}
				})
			}
			clients.Wait()
			if n := sharedMaps(s.Pid); n != 2 {
				t.Errorf("%d memories of 2 workers", n)
			}
			for _, pid := range workers {
				if name == "preload" { // the template is among the children
					break
				}
				if n := sharedMaps(pid); n != 1 {
					t.Errorf("worker %d has %d memories", pid, n)
				}
			}
			for _, pid := range workers {
				if sharedMaps(pid) == 1 {
					_ = syscall.Kill(pid, syscall.SIGKILL)
					break
				}
			}
			eventually(t, "the memory goes with its worker", func() bool { return sharedMaps(s.Pid) == 1 })
		})
	}
}
