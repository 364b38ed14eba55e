package integration

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// nobody is a uid that no machine has an account for.
const nobody = 12345

// systemPython is an interpreter that every user may run: the developer's own may be under a closed home folder.
func systemPython(t testing.TB) string {
	t.Helper()
	for _, path := range []string{"/usr/bin/python3", "/usr/local/bin/python3"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	skip(t, "no-program", "no python3 in /usr/bin or /usr/local/bin, which another user could run")
	return ""
}

// checkServes is a page, and a body that does not fit into memory.
func (s *server) checkServes() {
	s.t.Helper()
	s.want(200, "/pid")
	body := strings.Repeat("0123456789abcdef", 1<<16)
	if r := s.post("/sum", "application/octet-stream", body); r.Status != 200 || r.Body != hexSum([]byte(body)) {
		s.t.Errorf("a body of %d bytes: %d %.200q", len(body), r.Status, r.Body)
	}
}

// sandboxApp is apps/lifecycle in a folder that any user can read, whatever is above the checkout.
func sandboxApp(t testing.TB) string {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{"app.py", "noise.py"} {
		b, err := os.ReadFile(appDir(t, "lifecycle") + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(b)
	}
	return project(t, files)
}

var sandboxCopy sync.Once

// sandboxBinary is the binary at a place that any user can reach.
func sandboxBinary(t testing.TB) string {
	t.Helper()
	path := built.dir + "/standpipe"
	if built.binary == path {
		return path
	}
	sandboxCopy.Do(func() {
		// By another process: a descriptor of ours, open for writing, would go to whatever a test starts at this moment,
		// and the program could not be run as long as that holds it ("text file busy").
		if out, err := exec.Command("install", "-m", "0755", built.binary, path).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	})
	return path
}

// A uid without an account, without a home, without a folder to write to.
func TestNoWritableFolder(t *testing.T) {
	t.Parallel()
	needRoot(t)
	s := start(t, opts{
		Dir: sandboxApp(t), EmptyEnv: true,
		Argv:     []string{sandboxBinary(t), "serve", "app:app"},
		Args:     []string{"-w", "1", "--python", systemPython(t)},
		Env:      []string{"HOME=/nonexistent", "TMPDIR=/proc", "PATH=/usr/bin:/bin"},
		Identity: &syscall.Credential{Uid: nobody, Gid: nobody},
	})
	s.checkServes()
	warned := false
	for _, r := range s.log() {
		warned = warned || r.str("level") == "warn"
	}
	if !warned {
		t.Error("no WARN says that there is no folder to write to")
	}
}

// The same on a read-only root and with an empty environment: not even PATH.
func TestReadOnlyRootAndEmptyEnvironment(t *testing.T) {
	t.Parallel()
	needRoot(t)
	for _, p := range []string{"unshare", "setpriv", "mount"} {
		if _, err := exec.LookPath(p); err != nil {
			skip(t, "no-program", err.Error())
		}
	}
	// Every mount of a new mount namespace becomes read-only; then the user is changed, and the environment emptied.
	script := `set -e
mount --make-rprivate /
cut -d' ' -f5 /proc/self/mountinfo | while read -r m; do
    case $m in /proc*|/sys*|/dev|/dev/pts*|/dev/mqueue*) ;; *) mount -o remount,bind,ro "$m" 2>/dev/null || mount -t tmpfs -o ro none "$m" 2>/dev/null || : ;; esac
done
! touch /tmp/standpipe-ro-probe 2>/dev/null || { rm -f /tmp/standpipe-ro-probe; echo "/tmp is still writable" >&2; exit 97; }
exec setpriv --reuid=12345 --regid=12345 --clear-groups env -i "$@"`
	if out, err := exec.Command("unshare", "--mount", "sh", "-c", script, "sh", "/bin/true").CombinedOutput(); err != nil {
		skip(t, "no-namespace", strings.TrimSpace(string(out))+": "+err.Error())
	}
	s := start(t, opts{
		Dir:  sandboxApp(t),
		Argv: []string{"unshare", "--mount", "sh", "-c", script, "sh", sandboxBinary(t), "serve", "app:app"},
		Args: []string{"-w", "2", "--python", systemPython(t)},
	})
	s.checkServes()
	if r := s.want(200, "/env?name=HOME"); r.Body != "-" {
		t.Errorf("HOME is %q in an empty environment", r.Body)
	}
}
