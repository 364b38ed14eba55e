package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// oldEnded waits for the process that was started first, which has handed over, and gives its exit code. Its output
// continues: the new process has it. After that the server is the new process, and is stopped as such.
func (s *server) oldEnded(limit time.Duration) int {
	s.t.Helper()
	select {
	case <-s.waited:
		return s.exitedWith()
	case <-time.After(limit):
		s.t.Fatalf("the old process has not ended within %v", limit)
		return -1
	}
}

// upgraded waits until another process has taken over, and makes it the server.
func (s *server) upgraded() {
	s.t.Helper()
	s.workers()
	pid, err := strconv.Atoi(s.waitWithin(bootPatience, "upgraded").str("pid"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.Pid = pid
	s.workers()
}

// waitWithin is waitEvent with another patience.
func (s *server) waitWithin(limit time.Duration, name string) record {
	s.t.Helper()
	within(s.t, limit, "a record "+name+"; the log:\n"+s.stderrText(), func() bool { return len(s.events(name)) > 0 })
	return s.events(name)[0]
}

func (s *server) usr2() {
	s.t.Helper()
	if err := syscall.Kill(s.Pid, syscall.SIGUSR2); err != nil {
		s.t.Fatal(err)
	}
}

// copyOfBinary is a program that a test may replace.
func copyOfBinary(t testing.TB) string {
	t.Helper()
	path := filepath.Join(project(t, nil), "standpipe")
	putBinary(t, path)
	return path
}

// putBinary puts the binary under test at path, as an installation does: beside it, then renamed.
func putBinary(t testing.TB, path string) {
	t.Helper()
	b, err := os.ReadFile(built.binary)
	if err != nil {
		t.Fatal(err)
	}
	putProgram(t, path, b)
}

// putProgram puts a program in place, at once.
func putProgram(t testing.TB, path string, content []byte) {
	t.Helper()
	syscall.ForkLock.RLock() // a child of another test that had it open for writing would keep it from being run (ETXTBSY)
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path+".new", content, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// Another binary takes over under load: no client notices, and what ran before ends where it began.
func TestUpgradeUnderLoad(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			listen := []string{"127.0.0.1:0"}
			sock := ""
			if network == "unix" {
				sock = filepath.Join(socketDir(t), "s")
				listen = []string{"unix:" + sock}
			}
			binary := copyOfBinary(t)
			dir := steady(t)
			s := start(t, opts{Dir: dir, Listen: listen, Argv: []string{binary, "serve"}, App: "app:app", Args: []string{"-w", "3", "--timeout", "10m"}})
			old := s.Pid
			before := s.workers()
			g := newGate(t)
			running := s.background("/gate?" + g.path)
			l := &load{s: s.with(t), rate: 200, clients: 8, posts: 0.3}
			l.begin()
			l.further(200)
			putBinary(t, binary) // the file of the running program is another one now
			s.usr2()
			s.upgraded()
			if s.Pid == old {
				t.Fatal("the pid is the same")
			}
			l.further(300)
			if !running.running() {
				t.Error("the request from before has ended before its gate was opened")
			}
			if !alive(old) {
				t.Error("the old process has not waited for it")
			}
			g.open(t)
			if r := running.wait(t); r.Status != 200 || r.Body != "v1" {
				t.Errorf("the request from before: %d %q", r.Status, r.Body)
			}
			if code := s.oldEnded(endPatience); code != 0 {
				t.Errorf("the old process ended with %d", code)
			}
			sent, failed := l.end()
			if len(failed) > 0 {
				t.Errorf("%d of %d requests failed: %v", len(failed), sent, failed[:min(len(failed), 5)])
			}
			s.waitWorkers(3)
			now := s.workers()
			for _, pid := range now {
				for _, was := range before {
					if pid == was {
						t.Errorf("worker %d is an old one", pid)
					}
				}
			}
			for _, r := range s.events("worker_exit") {
				t.Errorf("%v", r) // those of the old process are no news
			}
			if sock != "" {
				if _, err := os.Stat(sock); err != nil {
					t.Errorf("the old process has removed the socket: %v", err)
				}
			}

			// The new one is one as the old one was: it hands over too, and cleans up in the end.
			s.usr2()
			within(t, bootPatience, "a second upgrade", func() bool { return len(s.events("upgraded")) == 2 })
			second := s.Pid
			if s.Pid, _ = strconv.Atoi(s.events("upgraded")[1].str("pid")); s.Pid == second {
				t.Fatal("the pid is the same")
			}
			s.want(200, "/version")
			eventually(t, "the second process has ended", func() bool { return !alive(second) })
			s.stop()
			if _, err := os.Stat(sock); err == nil && sock != "" {
				t.Error("the socket is left")
			}
		})
	}
}

// further waits until so many requests more have been sent.
func (l *load) further(n int) {
	l.s.t.Helper()
	sent := func() int { l.mu.Lock(); defer l.mu.Unlock(); return l.sent }
	n += sent()
	eventually(l.s.t, fmt.Sprint(n, " requests"), func() bool { return sent() >= n })
}

// What cannot take over does not: the old process serves on, and says why.
func TestUpgradeFails(t *testing.T) {
	t.Parallel()
	sock := filepath.Join(socketDir(t), "s")
	binary := copyOfBinary(t)
	dir := steady(t)
	s := start(t, opts{Dir: dir, Listen: []string{"127.0.0.1:0", "unix:" + sock}, Argv: []string{binary, "serve"}, App: "app:app",
		Args: []string{"-w", "2", "--boot-timeout", "5m"}})
	pid := s.Pid
	eventually(t, "both workers are there", func() bool { return len(s.workers()) == 2 })
	before := s.workers()
	l := &load{s: s.with(t), rate: 50, clients: 4, posts: 0.3}
	l.begin()
	n := 0
	fails := func(what string, want ...string) {
		t.Helper()
		n++
		s.usr2()
		within(t, 2*bootPatience, what+": an upgrade_failed record; the log:\n"+s.stderrText(), func() bool { return len(s.events("upgrade_failed")) == n })
		text := fmt.Sprint(s.events("upgrade_failed")[n-1])
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: the record does not say %q: %s", what, w, text)
			}
		}
		s.want(200, "/version")
		s.at(sock).want(200, "/version")
		if !alive(pid) {
			t.Errorf("%s: the old process has ended", what)
		}
		eventually(t, what+": the old process has its workers and no other child", func() bool { return fmt.Sprint(s.workers()) == fmt.Sprint(before) })
	}
	putProgram(t, binary, []byte("#!/bin/sh\necho this release is broken >&2\nexit 1\n"))
	fails("a script that fails", "exit status 1", "this release is broken")
	putProgram(t, binary, []byte("no program at all\n"))
	fails("a text file", "exec format error")
	if err := os.Remove(binary); err != nil {
		t.Fatal(err)
	}
	fails("no file", "no such file")
	putProgram(t, binary, []byte("#!/bin/sh\nexit 0\n"))
	fails("a program that does something else", "exit status 0")
	putBinary(t, binary)
	version := func(text string) { write(t, dir, map[string]string{"version.py": text}) }
	version("VERSION = (\n")
	fails("an app that does not boot", "exit status 3", "SyntaxError")
	version("import time\ntime.sleep(1000)\n")
	putProgram(t, binary, []byte("#!/bin/sh\nfor a; do shift; [ \"$a\" != 5m ] || a=12s; set -- \"$@\" \"$a\"; done\nexec "+built.binary+" \"$@\"\n")) // another --boot-timeout
	fails("an app that hangs", "version.py:2")
	putBinary(t, binary)
	version("VERSION = 'v2'\n")

	// A second one while one boots is refused; the first is not disturbed.
	hold := filepath.Join(dir, "hold")
	version(fmt.Sprintf("import os, time\nopen(%q, 'w').close()\nwhile os.path.exists(%q): time.sleep(0.01)\nVERSION = 'v2'\n", hold+".seen", hold))
	write(t, dir, map[string]string{"hold": ""})
	s.usr2()
	eventually(t, "the new app is being imported", func() bool { _, err := os.Stat(hold + ".seen"); return err == nil })
	s.usr2()
	s.waitEvent("upgrade_refused")
	if err := os.Remove(hold); err != nil {
		t.Fatal(err)
	}
	s.upgraded()
	if code := s.oldEnded(endPatience); code != 0 {
		t.Errorf("the old process ended with %d", code)
	}
	if r := s.want(200, "/version"); r.Body != "v2" {
		t.Errorf("%s serves", r.Body)
	}
	s.at(sock).want(200, "/version")
	if sent, failed := l.end(); len(failed) > 0 {
		t.Errorf("%d of %d requests failed: %v", len(failed), sent, failed[:min(len(failed), 5)])
	}
}

// A stop while a new process boots ends both.
func TestStopDuringUpgrade(t *testing.T) {
	t.Parallel()
	dir := steady(t)
	s := start(t, opts{Dir: dir, App: "app:app", Args: []string{"-w", "1"}})
	seen := filepath.Join(dir, "seen")
	write(t, dir, map[string]string{"version.py": fmt.Sprintf("import time\nopen(%q, 'w').close()\ntime.sleep(1000)\n", seen)})
	s.usr2()
	r := s.waitEvent("upgrade")
	eventually(t, "the new app is being imported", func() bool { _, err := os.Stat(seen); return err == nil })
	next, _ := strconv.Atoi(r.str("pid"))
	theirs := children(next)
	if len(theirs) == 0 {
		t.Fatal("the new process has no worker")
	}
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, pid := range append(theirs, next) {
		eventually(t, fmt.Sprintf("process %d has ended", pid), func() bool { return !alive(pid) })
	}
}

// The old process dies while the new one boots: the new one serves.
func TestUpgradeOfADyingProcess(t *testing.T) {
	t.Parallel()
	dir := steady(t)
	s := start(t, opts{Dir: dir, App: "app:app", Args: []string{"-w", "1"}})
	old := s.Pid
	hold, seen := filepath.Join(dir, "hold"), filepath.Join(dir, "seen")
	write(t, dir, map[string]string{"hold": "", "version.py": fmt.Sprintf(
		"import os, time\nopen(%q, 'w').close()\nwhile os.path.exists(%q): time.sleep(0.01)\nVERSION = 'v2'\n", seen, hold)})
	s.usr2()
	pid, _ := strconv.Atoi(s.waitEvent("upgrade").str("pid"))
	eventually(t, "the new app is being imported", func() bool { _, err := os.Stat(seen); return err == nil })
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the old process is dead", func() bool { return !alive(old) }) // it takes no connection any more
	s.Pid = pid
	s.expect(-1)
	waiting := s.background("/version")
	if err := os.Remove(hold); err != nil {
		t.Fatal(err)
	}
	if r := waiting.wait(t); r.Status != 200 || r.Body != "v2" {
		t.Errorf("%d %q", r.Status, r.Body)
	}
}

// The sockets of a service manager go on to the new process, whose pid LISTEN_PID does not name.
func TestUpgradeWithSocketActivation(t *testing.T) {
	t.Parallel()
	addr, f := listener(t)
	s := start(t, opts{
		Dir: steady(t), Bare: true, ExtraFiles: []*os.File{f},
		Argv: []string{"sh", "-c", `LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@"`, "{bin}", "serve", "app:app"},
		Args: []string{"-w", "1", "--log-format", "json"},
	})
	for range 2 {
		before := s.Pid
		s.usr2()
		within(t, bootPatience, "an upgrade", func() bool {
			list := s.events("upgraded")
			if len(list) > 0 {
				s.Pid, _ = strconv.Atoi(list[len(list)-1].str("pid"))
			}
			return s.Pid != before
		})
		eventually(t, "the process before has ended", func() bool { return !alive(before) })
		s.at(addr).want(200, "/version")
		s.notInWorkers(f)
	}
}
