package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// sessionsApp starts a process in a session of its own and one that stays in its worker's group.
const sessionsApp = `
import os
import subprocess
import time


def application(environ, start_response):
    own = subprocess.Popen(["sleep", "86399"], start_new_session=True)
    child = subprocess.Popen(["sleep", "86398"])
    answer = b"%d %d %d" % (os.getpid(), own.pid, child.pid)
    if environ["PATH_INFO"] == "/die":
        open(os.environ["PIDS"], "wb").write(answer)
        os.kill(os.getpid(), 9)
    if environ["PATH_INFO"] == "/hang":
        open(os.environ["PIDS"], "wb").write(answer)
        while True:
            try:
                time.sleep(600)
            except BaseException:
                pass
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [answer]
`

// groupsAtHand: a server of ours has a control group for each worker.
var groupsAtHand = sync.OnceValue(func() bool { // once: two probes at a time would have the same name
	for _, mount := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(mount + "/cgroup.controllers"); err != nil {
			continue
		}
		text, _ := os.ReadFile("/proc/self/cgroup")
		if !strings.Contains("\n"+string(text), "\n0::/\n") || os.Geteuid() != 0 {
			return false
		}
		dir := fmt.Sprintf("%s/probe-%d", mount, os.Getpid())
		defer os.Remove(dir)
		return os.Mkdir(dir, 0o755) == nil
	}
	return false
})

// TestFault_C8_Survivors: where there is no control group, a process that has left its worker's group outlives an orderly
// stop, and the stop names it.
func TestFault_C8_Survivors(t *testing.T) {
	t.Parallel()
	needRoot(t) // to become a user who cannot make control groups
	const uid = 28732
	run := project(t, nil)
	if err := os.Chown(run, uid, uid); err != nil {
		t.Fatal(err)
	}
	s := start(t, opts{App: "app:application", Dir: project(t, map[string]string{"app.py": sessionsApp}), Args: []string{"-w", "2"}, Python: systemPython(t),
		Argv: []string{sandboxBinary(t), "serve"}, Identity: &syscall.Credential{Uid: uid, Gid: uid}, Env: []string{"XDG_RUNTIME_DIR=" + run, "TMPDIR=" + run, "HOME=" + run}})
	var worker, left, killed int
	if _, err := fmt.Sscan(s.want(200, "/").Body, &worker, &left, &killed); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(left, syscall.SIGKILL) })
	if code := s.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	got := s.events("processes_left")
	if len(got) != 1 || got[0].str("pids") != strconv.Itoa(left) || got[0].str("commands") != "sleep 86399" {
		t.Errorf("process %d is left, %d is not: %v", left, killed, got)
	}
	if syscall.Kill(left, 0) != nil {
		t.Error("it was killed")
	}
}

// TestFault_C8_ControlGroups: where control groups can be made, without a limit too, what has left its worker's process group
// ends with the worker, however that ends, and is named. The groups are removed.
func TestFault_C8_ControlGroups(t *testing.T) {
	t.Parallel()
	if !groupsAtHand() {
		skip(t, "cgroup", "no control group of version 2 in which groups can be made")
	}
	for how, args := range map[string][]string{
		"stop": nil, "recycle": {"--max-requests", "1", "--max-requests-jitter", "0"}, "reload": nil, "die": nil, "timeout": {"--timeout", "10s"},
		"threads": {"--threads", "4"}, "preload": {"--preload"}, "preload, recycle": {"--preload", "--max-requests", "1", "--max-requests-jitter", "0"},
		"kill": nil, "limits": {"--limit-nofile", "200"}, "other user": {"--config", "standpipe.toml"}, "helper": {"--config", "standpipe.toml", "--user", "daemon"},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			dir := project(t, map[string]string{"app.py": sessionsApp})
			pids := filepath.Join(t.TempDir(), "pids")
			o := opts{App: "app:application", Dir: dir, Args: append([]string{"-w", "1"}, args...), Env: []string{"PIDS=" + pids}}
			if how == "other user" || how == "helper" {
				write(t, dir, map[string]string{"standpipe.toml": "[[app]]\nname = \"site\"\nmodule = \"app:application\"\nuser = \"nobody\"\nworkers = 1\n"})
				o.App, o.Args, o.Python = "", args, systemPython(t)
				o.Argv = []string{sandboxBinary(t), "serve"}
			}
			s := start(t, o)
			var body string
			switch how {
			case "die", "timeout":
				_, _ = s.try(s.request("POST", map[string]string{"die": "/die", "timeout": "/hang"}[how], nil))
				text, err := os.ReadFile(pids)
				if err != nil {
					t.Fatal(err)
				}
				body = string(text)
			default:
				body = s.want(200, "/").Body
			}
			var worker, own, child int
			if _, err := fmt.Sscan(body, &worker, &own, &child); err != nil {
				t.Fatal(err)
			}
			switch how {
			case "reload":
				s.signal(syscall.SIGHUP)
			case "kill":
				if err := syscall.Kill(worker, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
			case "stop", "threads", "preload", "limits", "other user", "helper":
				s.stop()
			}
			r := s.waitEvent("children_ended")
			for _, pid := range []int{own, child} {
				if how != "timeout" && !strings.Contains(r.str("children"), fmt.Sprintf("sleep %d", pid)) {
					t.Errorf("process %d is not named: %v", pid, r)
				}
				eventually(t, fmt.Sprintf("process %d has ended", pid), func() bool { return !alive(pid) })
			}
			if !strings.Contains(r.str("children"), fmt.Sprintf("sleep %d", own)) {
				t.Errorf("%v", r)
			}
			if got := s.events("worker_not_grouped"); len(got) > 0 {
				t.Errorf("%v", got)
			}
			s.stop()
			if got := s.events("processes_left"); len(got) > 0 {
				t.Errorf("%v", got)
			}
		})
	}
}

// TestFault_C8_NoSurvivors: a stop that leaves no process logs nothing.
func TestFault_C8_NoSurvivors(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:application", Dir: project(t, map[string]string{"app.py": hello("x")}), NoWait: true, Exit: -1, Args: []string{"-w", "2"}})
	s.waitEvent("listening")
	s.stop()
	if got := s.events("processes_left"); len(got) > 0 {
		t.Errorf("%v", got)
	}
}

// TestFault_C8_ControlSocket: the start names the apps that can steer the server beside apps that are kept apart.
func TestFault_C8_ControlSocket(t *testing.T) {
	t.Parallel()
	s := twoUsers(t)
	if r := s.waitEvent("control_socket_shared"); r.str("apps") != "three" || strings.TrimSpace(r.str("apart")) != "one two" {
		t.Errorf("%v", r)
	}
}
