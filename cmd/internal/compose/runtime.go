package compose

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/shim_py"
)

// RuntimeDirs are the folders in which the control sockets of running standpipes may
// be: those for run-time files, and that of a service.
func RuntimeDirs() []string {
	dirs := runtimeDirs(os.Getenv("STANDPIPE_RUNTIME_DIR"))
	for _, service := range []string{"/run/standpipe"} {
		if !slices.Contains(dirs, service) {
			dirs = append(dirs, service)
		}
	}
	return dirs
}

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

// shimArgs returns the interpreter's arguments that run the shim: its folder, or,
// when no folder can be written, the whole of it on the command line; err then
// says why. dirs are the run-time folders to try; runtime is the run-time folder: ours, and writable by nobody else.
func shimArgs(dirs []string) (args []string, runtime string, err error) {
	dir, err := shim_py.Extract(dirs)
	if err != nil {
		return []string{"-c", shim_py.Bootstrap()}, "", err
	}
	// The file, not the folder: python3 DIR would load runpy for it.
	return []string{filepath.Join(dir, "__main__.py")}, filepath.Dir(dir), nil
}
