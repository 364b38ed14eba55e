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
// be: those for run-time files, and those of services. set is the one that somebody has
// named; then there is no other.
func RuntimeDirs(set string) []string {
	dirs := runtimeDirs(set)
	if set != "" {
		return dirs
	}
	dirs = append(dirs, "/run/standpipe")
	for _, above := range []string{"/run", os.Getenv("XDG_RUNTIME_DIR")} {
		if above == "" {
			continue
		}
		// RuntimeDirectory=NAME of a unit. The shim is extracted in front of the socket, and nobody else has such a folder.
		shims, _ := filepath.Glob(filepath.Join(above, "*", "shim-*"))
		for _, s := range shims {
			dirs = append(dirs, filepath.Dir(s))
		}
	}
	var list []string
	for _, d := range dirs {
		if d = filepath.Clean(d); !slices.Contains(list, d) {
			list = append(list, d)
		}
	}
	return list
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
