package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const runtimeApp = `import os
HERE = os.path.dirname(os.path.abspath(__file__))

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/error":
        raise ValueError("on purpose")
    if path == "/gone":
        os._exit(9)
    start_response("200 OK", [("Content-Type", "text/plain")])
    if path == "/file":
        return environ["wsgi.file_wrapper"](open(os.path.join(HERE, "large"), "rb"))
    if path == "/large":
        return [b"x" * 3000000]
    if path == "/stream":
        return (b"y" * 70000 for _ in range(10))
    if path == "/upload":
        return [str(len(environ["wsgi.input"].read())).encode()]
    return [str(os.getpid()).encode()]
`

// removeAtOnce removes a folder with all that is in it in one step: the server, which makes it again, never sees half of it.
func removeAtOnce(t *testing.T, dir string) {
	t.Helper()
	gone := filepath.Join(t.TempDir(), "gone")
	if err := os.Rename(dir, gone); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(gone); err != nil {
		t.Fatal(err)
	}
}

// After Ready a worker needs nothing of the folder that the shim was extracted to, and the next one gets the shim again.
func TestFault_B3_RuntimeFolderIsGone(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"sync": nil, "threads": {"--threads", "3"}, "preload": {"--preload"}, "gevent": {"--gevent", "10"}} {
		for how, remove := range map[string]func(t *testing.T, dir string){
			"all": removeAtOnce,
			"some": func(t *testing.T, dir string) { // as a cleaner of /tmp does, by age
				for _, pattern := range []string{"shim-*/standpipe_shim/core/re*.py", "shim-*/standpipe_shim/core/files.py", "shim-*/standpipe_shim/core/exchange.py", "shim-*/standpipe_shim/*/__pycache__/*"} {
					found, _ := filepath.Glob(filepath.Join(dir, pattern))
					for _, f := range found {
						_ = os.Remove(f)
					}
				}
			},
		} {
			t.Run(name+"/"+how, func(t *testing.T) {
				folder := filepath.Join(t.TempDir(), "run")
				dir := project(t, map[string]string{"web.py": runtimeApp, "large": strings.Repeat("z", 2<<20)})
				o := opts{Dir: dir, App: "web:app", Args: append([]string{"-w", "1", "--runtime-dir", folder}, args...)}
				if name == "gevent" {
					o.Python = python(t)
				}
				s := start(t, o)
				pid := s.want(200, "/").Body
				remove(t, folder)
				s.want(500, "/error")
				if r := s.waitEvent("app_error"); !strings.Contains(r.str("traceback"), "on purpose") {
					t.Errorf("no traceback: %v", r)
				}
				for path, size := range map[string]int{"/file": 2 << 20, "/large": 3000000, "/stream": 700000} {
					if r := s.want(200, path); len(r.Body) != size {
						t.Errorf("%s: %d bytes", path, len(r.Body))
					}
				}
				if r := s.post("/upload", "application/octet-stream", strings.Repeat("u", 3<<20)); r.Status != 200 || r.Body != "3145728" {
					t.Errorf("upload: %d %q", r.Status, r.Body)
				}
				if again := s.want(200, "/").Body; again != pid {
					t.Errorf("worker %s after %s", again, pid)
				}
				if r, err := s.try(s.request("GET", "/gone", nil)); err == nil && r.Status == 200 {
					t.Errorf("%d %q", r.Status, r.Body)
				}
				within(t, bootPatience, "another worker serves", func() bool {
					r, err := s.try(s.request("GET", "/", nil))
					return err == nil && r.Status == 200 && r.Body != pid
				})
				before := s.want(200, "/").Body
				_ = syscall.Kill(s.Pid, syscall.SIGHUP)
				within(t, bootPatience, "the reload has taken over", func() bool { return s.want(200, "/").Body != before })
				if name != "preload" || how == "all" {
					s.waitEvent("runtime_dir_lost")
				}
			})
		}
	}
}

// The folder and the control socket are there again without anything that asks for them, and commands reach the server.
func TestFault_B3_ControlSocketIsMadeAgain(t *testing.T) {
	t.Parallel()
	for name, own := range map[string]bool{"in the folder": false, "in a place of its own": true} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "run")
			args, socket := []string{"-w", "1", "--runtime-dir", folder}, folder
			if own {
				socket = filepath.Join(t.TempDir(), "own")
				if err := os.Mkdir(socket, 0o755); err != nil {
					t.Fatal(err)
				}
				args = append(args, "--control", filepath.Join(socket, "c.sock"))
			}
			s := start(t, opts{Dir: project(t, map[string]string{"web.py": runtimeApp}), App: "web:app", Args: args})
			path := s.controlSocket()
			for i := range 2 {
				removeAtOnce(t, folder)
				if own {
					removeAtOnce(t, socket)
				}
				within(t, bootPatience, "the socket is made again", func() bool {
					_, err := os.Stat(path)
					return err == nil && len(s.events("control_socket_lost")) == i+1 && len(s.events("runtime_dir_lost")) == i+1
				})
				if st := s.status(); st.Pid != s.Pid || st.Control != path {
					t.Errorf("%d at %s", st.Pid, st.Control)
				}
			}
			if err := os.Remove(path); err != nil { // the file alone
				t.Fatal(err)
			}
			within(t, bootPatience, "the socket is made again", func() bool { return len(s.events("control_socket_lost")) == 3 })
			s.must("reload")
			s.must("stop")
			if code := s.wait(); code != 0 {
				t.Errorf("exit %d", code)
			}
			if _, err := os.Stat(path); err == nil {
				t.Error("the socket is left")
			}
		})
	}
}

// Bodies and slow answers go on in another folder when theirs has gone, which is told once.
func TestFault_B3_SpoolFolderIsGone(t *testing.T) {
	t.Parallel()
	b, spool := slowReaders(t)
	losses := 0
	lose := func() {
		t.Helper()
		if err := os.RemoveAll(spool); err != nil { // with its parent
			t.Fatal(err)
		}
		losses++
	}
	for i := range 2 {
		lose()
		for range 2 {
			if r := b.post("/pid", "application/octet-stream", strings.Repeat("u", 8<<20)); r.Status != 200 {
				t.Errorf("%d %q", r.Status, r.Body)
			}
		}
		lose()
		id := fmt.Sprintf("gone-%d", i)
		c := b.lazy("/big?mb=8&id=" + id)
		// The app may end before the last bytes of its answer have reached the file.
		eventually(t, "the answer is in the spool", func() bool { return b.recorded("close "+id) == 1 && len(b.spilled()) == 1 })
		checkSum(t, c, 8)
		c.Close()
		eventually(t, "each loss has its record", func() bool { return len(b.events("spool_dir_lost")) == losses })
	}
	b.nothingLeft(spool)
}
