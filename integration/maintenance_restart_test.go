package integration

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What commands have set is there after the server was killed: it is written before the command answers.
func TestMaintenanceOutlivesRestart(t *testing.T) {
	t.Parallel()
	const toml = "[[route]]\npath = \"/\"\nrespond = 200\nbody = \"pong\"\n"
	dir, state := project(t, map[string]string{"soon.html": "<h1>Back soon</h1>", "standpipe.toml": toml}), t.TempDir()
	file := filepath.Join(state, "maintenance.json")
	begin := func(env ...string) *server {
		t.Helper()
		return start(t, opts{Dir: dir, Env: env, Apps: -1, Args: []string{"--log-format", "json"}})
	}
	kept := "STATE_DIRECTORY=" + state
	s := begin(kept)
	if out := s.must("maintenance", "on", "--allow", "10.0.0.0/8", "--page", filepath.Join(dir, "soon.html"), "--retry-after", "600"); strings.Contains(out, "restart") {
		t.Errorf("it says %q", out)
	}
	s.must("deny", "198.51.100.7", "--for", "1h")
	s.expect(128 + int(syscall.SIGKILL))
	kill(t, s.Pid)
	s.wait()
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", st, err)
	}

	s = begin(kept)
	if r := s.waitEvent("maintenance_kept"); r.str("level") != "warn" || r.str("allow") != "[10.0.0.0/8]" || r.str("since") == "" || !strings.Contains(r.str("message"), "standpipe maintenance off") {
		t.Errorf("record %v", r)
	}
	if r := s.want(503, "/", from("203.0.113.7")); r.Body != "<h1>Back soon</h1>" || r.Header.Get("Retry-After") != "600" {
		t.Errorf("%q %v", r.Body, r.Header)
	}
	s.want(200, "/", from("10.1.2.3"))
	s.want(403, "/", from("198.51.100.7"))
	if r := s.waitEvent("deny_list_kept"); r["networks"] != 1.0 {
		t.Errorf("record %v", r)
	}
	if len(s.events("maintenance_on")) > 0 {
		t.Error("it has not begun now")
	}
	s.must("maintenance", "off")
	s.must("maintenance", "on", "--app", "", "--for", "1h")
	s.must("maintenance", "off")
	s.must("allow", "198.51.100.7")
	s.stop()

	s = begin(kept)
	s.want(200, "/", from("203.0.113.7"))
	s.want(200, "/", from("198.51.100.7"))
	if len(s.events("maintenance_kept"))+len(s.events("maintenance_lost"))+len(s.events("deny_list_kept")) > 0 {
		t.Error(s.stderrText())
	}
	s.stop()

	// One of the past is over; no word about it.
	now := time.Now().UTC()
	write(t, state, map[string]string{"maintenance.json": `[{"since":"` + now.Add(-time.Hour).Format(time.RFC3339) + `","until":"` + now.Add(-time.Minute).Format(time.RFC3339) + `"}]`})
	s = begin(kept)
	s.want(200, "/", from("203.0.113.7"))
	if len(s.events("maintenance_kept"))+len(s.events("maintenance_lost")) > 0 {
		t.Error(s.stderrText())
	}
	s.stop()

	// Without a folder the command says that a restart ends it.
	s = begin()
	if out := s.must("maintenance", "on"); !strings.Contains(out, "restart") {
		t.Errorf("it says %q", out)
	}
}

// A file that cannot be read is said, and the server starts: with what could be read of it.
func TestMaintenanceFileIsBroken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		make func(path string) error
		code int
	}{
		"half":   {func(path string) error { return os.WriteFile(path, []byte(`[{`), 0o600) }, 200},
		"object": {func(path string) error { return os.WriteFile(path, []byte(`{"maintenance":[]}`), 0o600) }, 200},
		"beside": {func(path string) error {
			return os.WriteFile(path, []byte(`[{"allow":["x"]},{"since":"2026-01-01T00:00:00Z"}]`), 0o600)
		}, 503},
		"pipe": {func(path string) error { return syscall.Mkfifo(path, 0o600) }, 200},
		"large": {func(path string) error {
			if err := os.WriteFile(path, []byte(`[{}]`), 0o600); err != nil {
				return err
			}
			return os.Truncate(path, 1<<30)
		}, 200},
		"many": {func(path string) error {
			return os.WriteFile(path, []byte("["+strings.Repeat("0,", 1<<20)+"0]"), 0o600)
		}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, state := project(t, map[string]string{"standpipe.toml": "[[route]]\npath = \"/\"\nrespond = 200\n"}), t.TempDir()
			for _, file := range []string{"maintenance.json", "denied.json"} {
				if err := c.make(filepath.Join(state, file)); err != nil {
					t.Fatal(err)
				}
			}
			s := start(t, opts{Dir: dir, Apps: -1, Args: []string{"--log-format", "json", "--state-dir", state}})
			if r := s.waitEvent("maintenance_lost"); r.str("level") != "error" || r.str("error") == "" || r.str("path") != filepath.Join(state, "maintenance.json") || len(r.str("error")) > 4096 {
				t.Errorf("record %v", r)
			}
			s.waitEvent("deny_list_lost")
			s.want(c.code, "/")
			if used := s.memory(); used > 200_000_000 {
				t.Errorf("%d bytes of memory", used)
			}
		})
	}
}
