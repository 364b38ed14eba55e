//go:build unix

package acme

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// The folder is for its user alone; folders above it that had to be made let others through: root makes them for a user that it
// becomes.
func TestFolderModes(t *testing.T) {
	before := syscall.Umask(0o022)
	defer syscall.Umask(before)
	dir := filepath.Join(t.TempDir(), "standpipe", "certificates")
	if _, err := OpenFolder(dir); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Dir(dir): 0o755} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v, want %v", path, info.Mode(), err, want)
		}
	}
}
