package integration

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// workers are the pids of the live python workers: the server's children, as /proc tells.
func (s *server) workers() []int {
	list := children(s.Pid)
	s.remember(list...)
	return list
}

// stat is what /proc/PID/stat says.
type stat struct {
	ppid, pgrp int
	state      byte // R, S, D, Z, ...
	started    string
}

func procStat(pid int) (stat, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, false
	}
	// The name in parentheses may itself hold spaces and parentheses: the fields follow the last one.
	i := bytes.LastIndexByte(b, ')')
	if i < 0 {
		return stat{}, false
	}
	f := strings.Fields(string(b[i+1:]))
	if len(f) < 20 {
		return stat{}, false
	}
	ppid, _ := strconv.Atoi(f[1])
	pgrp, _ := strconv.Atoi(f[2])
	return stat{ppid, pgrp, f[0][0], f[19]}, true
}

// alive: the process is there and is not a zombie that has not been waited for yet.
func alive(pid int) bool {
	st, ok := procStat(pid)
	return ok && st.state != 'Z' && st.state != 'X'
}

// pids are all the processes of this machine.
func pids() []int {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	list := make([]int, 0, len(dirs))
	for _, d := range dirs {
		if pid, err := strconv.Atoi(filepath.Base(d)); err == nil {
			list = append(list, pid)
		}
	}
	return list
}

func children(parent int) []int {
	var list []int
	for _, pid := range pids() {
		if st, ok := procStat(pid); ok && st.ppid == parent && st.state != 'Z' {
			list = append(list, pid)
		}
	}
	return list
}

// group are the live processes of a process group.
func group(pgid int) []int {
	var list []int
	for _, pid := range pids() {
		if st, ok := procStat(pid); ok && st.pgrp == pgid && st.state != 'Z' {
			list = append(list, pid)
		}
	}
	return list
}

// tree are a process and all its live descendants.
func tree(root int) []int {
	list := []int{root}
	for i := 0; i < len(list); i++ {
		list = append(list, children(list[i])...)
	}
	return list
}

// ownWorker says whether pid is (still) a worker of a server of ours: the pid may have been given to a stranger since.
// A worker is the leader of its group, and its environment names the runtime folder that this test run made.
func ownWorker(pid int) bool {
	st, ok := procStat(pid)
	if !ok || st.pgrp != pid || st.state == 'Z' {
		return false
	}
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return err == nil && bytes.Contains(env, []byte(built.dir))
}

// workerPid is the pid that answers: every test app that needs it prints os.getpid() at /pid.
func (s *server) workerPid() int {
	s.t.Helper()
	r := s.want(200, "/pid")
	pid, err := strconv.Atoi(strings.TrimSpace(r.Body))
	if err != nil {
		s.t.Fatalf("/pid answered %q", r.Body)
	}
	s.remember(pid)
	return pid
}

// needRoot skips the test for everybody else.
func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		skip(t, "root", "needs root")
	}
}

// waitServing waits until so many workers serve, and returns their pids by their names. The record app_ready comes without the last of
// them when they take much longer than the first.
func (s *server) waitServing(n int) (pids map[string]int) {
	s.t.Helper()
	within(s.t, bootPatience, fmt.Sprintf("%d workers serve", n), func() bool {
		pids = s.status().pids()
		return len(pids) == n
	})
	return pids
}

// paused calls f while the server's process stands still: what f sends has all arrived when the server looks at it.
func (s *server) paused(f func()) {
	s.t.Helper()
	if err := syscall.Kill(s.Pid, syscall.SIGSTOP); err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(s.Pid, syscall.SIGCONT) }()
	eventually(s.t, "all threads of the server stand still", func() bool {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", s.Pid))
		for _, path := range threads {
			b, _ := os.ReadFile(path)
			if f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])); len(f) > 0 && f[0] != "T" {
				return false
			}
		}
		return len(threads) > 0
	})
	f()
}
