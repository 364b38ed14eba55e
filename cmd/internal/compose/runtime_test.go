package compose

import (
	"slices"
	"testing"
)

// A login session takes $XDG_RUNTIME_DIR along: only a server under a terminal uses it, and commands look there all the same.
func TestRuntimeDirsOutliveTheSession(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/1000")
	t.Setenv("RUNTIME_DIRECTORY", "")
	const session = "/run/user/1000/standpipe"
	if dirs := runtimeDirs("", false); slices.Contains(dirs, session) {
		t.Errorf("without a terminal: %q", dirs)
	}
	if dirs := runtimeDirs("", true); dirs[0] != session {
		t.Errorf("under a terminal: %q", dirs)
	}
	if dirs := RuntimeDirs(""); !slices.Contains(dirs, session) {
		t.Errorf("for commands: %q", dirs)
	}
}
