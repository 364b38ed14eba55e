package compose

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
	"github.com/standpipe/standpipe/cmd/internal/privileges"
	"github.com/standpipe/standpipe/shim_py"
)

// RuntimeDirs are the folders in which the control sockets of running standpipes may
// be: those for run-time files, and those of services. set is the one that a setting names;
// then there is no other.
func RuntimeDirs(set string) []string {
	dirs := runtimeDirs(set, true)
	if set != "" {
		return dirs
	}
	dirs = append(dirs, "/run/standpipe")
	for _, above := range []string{"/run", os.Getenv("XDG_RUNTIME_DIR")} {
		if above == "" {
			continue
		}
		// RuntimeDirectory=NAME of a unit. The shim is extracted before the socket is made, and no other program has such a folder.
		for _, depth := range []string{"*", "*/*"} { // RuntimeDirectory=shop/web
			shims, _ := filepath.Glob(filepath.Join(above, depth, "shim-*"))
			for _, s := range shims {
				dirs = append(dirs, filepath.Dir(s))
			}
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

// runtimeDirs are the folders for run-time files, in the order to try. session: $XDG_RUNTIME_DIR is one of them; it goes with
// the login session, and a server that no terminal holds outlives that.
func runtimeDirs(set string, session bool) []string {
	if set != "" {
		return []string{set}
	}
	var dirs []string
	if d := os.Getenv("RUNTIME_DIRECTORY"); d != "" { // systemd; colons separate several
		first, _, _ := strings.Cut(d, ":")
		dirs = append(dirs, first)
	}
	if d := os.Getenv("XDG_RUNTIME_DIR"); d != "" && session {
		dirs = append(dirs, filepath.Join(d, "standpipe"))
	}
	if os.Getuid() == 0 {
		dirs = append(dirs, "/run/standpipe")
	}
	return append(dirs, filepath.Join(os.TempDir(), fmt.Sprintf("standpipe-%d", os.Getuid())))
}

// ownRuntimeDirs are those for this process.
func ownRuntimeDirs(cfg *config.Config) []string {
	return privileges.Reachable(cfg, runtimeDirs(cfg.Folders.Runtime, logfile.IsTerminal(os.Stdin) || logfile.IsTerminal(os.Stderr)))
}

// shimFiles is where the shim has been extracted to. The folder may go while the server runs (the end of a login session,
// systemd-tmpfiles): then the shim is extracted again, before the next start of a worker at the latest.
type shimFiles struct {
	cfg *config.Config
	log *logfile.Log // nil: no records are written

	mu      sync.Mutex
	args    []string
	runtime string // the run-time folder; empty: there is none
}

// newShimFiles extracts the shim.
func newShimFiles(cfg *config.Config, log *logfile.Log) *shimFiles {
	args, runtime, err := shimArgs(ownRuntimeDirs(cfg))
	if err != nil {
		log.Warn("no_runtime_dir", "error", oneLine(err),
			"message", "no folder for run-time files can be written: workers get the shim on their command line, and there is no control socket unless --control names one")
	}
	return &shimFiles{cfg: cfg, log: log, args: args, runtime: runtime}
}

// arguments are those of the interpreter that run the shim.
func (f *shimFiles) arguments() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.args[0] != "-c" && !shim_py.Whole(filepath.Dir(f.args[0])) {
		f.again()
	}
	return f.args
}

// folder is the run-time folder. It is made again if it has gone.
func (f *shimFiles) folder() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.args[0] != "-c" {
		if _, err := os.Stat(f.args[0]); errors.Is(err, os.ErrNotExist) {
			f.again()
		}
	}
	return f.runtime
}

// again extracts the shim again; mu is held.
func (f *shimFiles) again() {
	lost := filepath.Dir(f.args[0])
	var err error
	f.args, f.runtime, err = shimArgs(ownRuntimeDirs(f.cfg))
	if f.log != nil {
		pairs := []any{"path", lost, "dir", f.runtime}
		if err != nil {
			pairs = append(pairs, "error", oneLine(err))
		}
		f.log.Warn("runtime_dir_lost", pairs...)
	}
}

// shimArgs returns the interpreter's arguments that run the shim: its folder, or, when no
// folder can be written, the whole of it on the command line; err then says why. dirs are the
// run-time folders to try; runtime is the one that was taken, which no other user can write.
func shimArgs(dirs []string) (args []string, runtime string, err error) {
	dir, err := shim_py.Extract(dirs)
	if err != nil {
		return []string{"-c", shim_py.Bootstrap()}, "", err
	}
	// The file, not the folder: python3 DIR would load runpy for it.
	return []string{filepath.Join(dir, "__main__.py")}, filepath.Dir(dir), nil
}
