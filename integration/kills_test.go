package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Kills from outside, in a boot and later, say nothing about the app: nothing backs off for them, workers boot beside
// each other, requests wait, and a reload goes through.
func TestFault_B13_ForeignKillsDoNotSlowDown(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"plain", "preload"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			args := []string{"-w", "2", "--queue-timeout", "10m", "--timeout", "5m"}
			boots := 2 // that are under way at a time
			if kind == "preload" {
				args, boots = append(args, "--preload"), 1 // the template
			}
			dir := project(t, map[string]string{"open": "", "app.py": `import os, time
os.makedirs("booting", exist_ok=True)
open("booting/%d" % os.getpid(), "w").close()
while not os.path.exists("open"):
    time.sleep(0.01)
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"fine"]
`})
			s := start(t, opts{App: "app:app", Dir: dir, Args: args})
			s.want(200, "/")
			booting := func() (pids []int) {
				list, _ := os.ReadDir(filepath.Join(dir, "booting"))
				for _, f := range list {
					pid, _ := strconv.Atoi(f.Name())
					if alive(pid) {
						pids = append(pids, pid)
					}
				}
				return pids
			}
			closeGate := func() {
				if err := os.Remove(filepath.Join(dir, "open")); err != nil {
					t.Fatal(err)
				}
			}
			killAll := func(pids []int) {
				s.remember(pids...)
				for _, pid := range pids {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
				within(t, bootPatience, "they are dead", func() bool { return !slices.ContainsFunc(pids, alive) })
			}
			closeGate()
			killAll(append(s.workers(), booting()...))
			client, waits := s.client(), make(chan int, 1)
			client.Timeout = 10 * time.Minute // it waits for all the boots
			go func() {
				resp, err := client.Get(s.URL + "/")
				if err != nil {
					waits <- 0
					return
				}
				resp.Body.Close()
				waits <- resp.StatusCode
			}()
			eventually(t, "a request waits", func() bool { return s.status().Apps[0].Waiting == 1 })
			// Sixteen times: a back-off that doubles would be at half a minute after eight.
			for n := range 16 {
				within(t, bootPatience, fmt.Sprintf("%d boots after %d kills", boots, n*boots), func() bool { return len(booting()) == boots })
				killAll(booting())
				if r := s.events("app_failed"); len(r) > 0 {
					t.Fatalf("after %d kills: %v", n+1, r)
				}
			}
			write(t, dir, map[string]string{"open": ""})
			if status := <-waits; status != 200 {
				t.Errorf("the request that waited: %d", status)
			}
			s.waitServing(2)

			// A reload of which the first boot is killed.
			closeGate()
			old := map[int]bool{}
			for _, pid := range append(s.workers(), booting()...) {
				old[pid] = true
			}
			if err := syscall.Kill(s.Pid, syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			var fresh []int
			within(t, bootPatience, "the new generation boots", func() bool {
				fresh = nil
				for _, pid := range booting() {
					if !old[pid] {
						fresh = append(fresh, pid)
					}
				}
				return len(fresh) > 0
			})
			killAll(fresh)
			write(t, dir, map[string]string{"open": ""})
			s.waitEvent("reloaded")
			for _, event := range []string{"app_failed", "reload_failed"} {
				if r := s.events(event); len(r) > 0 {
					t.Errorf("%s: %v", event, r)
				}
			}
			if r := s.get("/readyz"); r.Status != 200 {
				t.Errorf("readyz: %d", r.Status)
			}
		})
	}
}
