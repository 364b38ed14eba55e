package compose

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/standpipe/standpipe/shim_py"
)

// runtimeDirs are the folders for run-time files, in the order to try.
func runtimeDirs(set string) []string {
	if set != "" {
		return []string{set}
	}
	var dirs []string
	if d := os.Getenv("RUNTIME_DIRECTORY"); d != "" { // systemd; several are parted by colons
		first, _, _ := strings.Cut(d, ":")
		dirs = append(dirs, first)
	}
	if d := os.Getenv("XDG_RUNTIME_DIR"); d != "" {
		dirs = append(dirs, filepath.Join(d, "standpipe"))
	}
	if os.Getuid() == 0 {
		dirs = append(dirs, "/run/standpipe")
	}
	return append(dirs, filepath.Join(os.TempDir(), fmt.Sprintf("standpipe-%d", os.Getuid())))
}

// warnSpool says once, at the start, that large bodies have nowhere to go.
func warnSpool(log *Log, dir string) {
	f, err := os.CreateTemp(dir, "standpipe-body-*")
	if err != nil {
		log.Warn("no_spool_dir", "error", err, "message",
			"no folder for large request bodies can be written (spool_dir, TMPDIR): they are kept in memory, at most 256MiB in all; workers wait for clients that are slow to take large answers")
		return
	}
	f.Close()
	os.Remove(f.Name())
}

// shimArgs returns the interpreter's arguments that run the shim: its folder, or,
// when no folder can be written, the whole of it on the command line; err then
// says why.
func shimArgs(set string) (args []string, err error) {
	dir, err := shim_py.Extract(runtimeDirs(set))
	if err != nil {
		return []string{"-c", shim_py.Bootstrap()}, err
	}
	// The file, not the folder: python3 DIR would load runpy for it.
	return []string{filepath.Join(dir, "__main__.py")}, nil
}
