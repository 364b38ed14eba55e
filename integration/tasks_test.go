package integration

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// bombApp takes all processes that there are, and keeps trying while the file of the environment is there.
const bombApp = `
import os
import signal
import threading
import time


def bomb():
    while not os.path.exists(os.environ["DEFUSED"]):
        try:
            pid = os.fork()
        except OSError:
            open(os.environ["FULL"], "w").close()
            time.sleep(0.001)
            continue
        if pid == 0:
            while True:
                time.sleep(600)


def application(environ, start_response):
    if environ["PATH_INFO"] == "/bomb":
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        if os.fork() == 0:
            bomb()
            os._exit(0)
    if environ["PATH_INFO"] == "/exit":
        os._exit(1)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
`

// TestFault_B14_NoMoreProcesses: an app that takes all processes of its user, or of the control group, ends itself at most.
// The server answers meanwhile, and serves when they are there again.
func TestFault_B14_NoMoreProcesses(t *testing.T) {
	needRoot(t)
	body := make([]byte, 4<<20)
	for _, kind := range []string{"RLIMIT_NPROC", "pids cgroup"} {
		t.Run(kind, func(t *testing.T) {
			dir := project(t, map[string]string{"app.py": bombApp, "static/a.txt": "static"})
			made := project(t, nil)
			if err := os.Chmod(made, 0o777); err != nil {
				t.Fatal(err)
			}
			full, defused := filepath.Join(made, "full"), filepath.Join(made, "defused")
			o := opts{App: "app:application", Dir: dir, Python: systemPython(t), Env: []string{"FULL=" + full, "DEFUSED=" + defused},
				Args: []string{"-w", "2", "--static", "/static=" + filepath.Join(dir, "static")}}
			switch kind {
			case "RLIMIT_NPROC":
				if _, err := os.Stat("/usr/bin/prlimit"); err != nil {
					skip(t, "no-program", "prlimit")
				}
				const uid = 28731 // no account has it
				run := project(t, nil)
				if err := os.Chown(run, uid, uid); err != nil {
					t.Fatal(err)
				}
				o.Identity = &syscall.Credential{Uid: uid, Gid: uid}
				o.Argv = []string{"/usr/bin/prlimit", "--nproc=300", sandboxBinary(t), "serve"}
				o.Env = append(o.Env, "XDG_RUNTIME_DIR="+run, "TMPDIR="+run, "HOME="+run)
			default:
				group := fmt.Sprintf("/sys/fs/cgroup/pids/standpipe-test-%d", os.Getpid())
				if err := os.Mkdir(group, 0o755); err != nil {
					skip(t, "cgroup", err.Error())
				}
				if err := os.WriteFile(group+"/pids.max", []byte("300"), 0o644); err != nil {
					skip(t, "cgroup", err.Error())
				}
				t.Cleanup(func() { eventually(t, "the group is empty", func() bool { return os.Remove(group) == nil }) })
				o.Argv = []string{"/bin/sh", "-c", "echo 0 >" + group + "/cgroup.procs && exec \"$@\"", "sh", sandboxBinary(t), "serve"}
			}
			s := start(t, o)
			t.Cleanup(func() { _ = os.WriteFile(defused, nil, 0o644) })
			s.want(200, "/bomb")
			eventually(t, "there are no more processes", func() bool { _, err := os.Stat(full); return err == nil })
			for range 5 { // bodies go to the disk, all at a time: as many threads as there may be are wanted
				var all sync.WaitGroup
				for i := range 32 {
					all.Go(func() {
						r, err := s.try(s.request("POST", []string{"/", "/static/a.txt", "/readyz"}[min(i%8, 2)], bytes.NewReader(body)))
						if err != nil && i%8 == 0 && !s.ended() || err == nil && r.Status >= 500 {
							t.Errorf("%v %+v", err, r)
						}
					})
				}
				all.Wait()
				s.want(200, "/static/a.txt")
			}
			for range 2 { // a worker's death: the next one boots, or waits until it can
				_, _ = s.try(s.request("GET", "/exit", nil))
			}
			if r := s.get("/livez"); r.Status != 200 {
				t.Errorf("/livez: %d", r.Status)
			}
			if err := os.WriteFile(defused, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			within(t, bootPatience, "it serves again", func() bool {
				r, err := s.try(s.request("GET", "/", nil))
				return err == nil && r.Status == 200
			})
			if s.ended() {
				t.Errorf("the server has ended: %s", tail(s.err.all(), 5))
			}
		})
	}
}
