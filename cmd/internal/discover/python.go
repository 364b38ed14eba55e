package discover

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Interpreter is the Python that runs an app.
type Interpreter struct {
	Path string // absolute, symbolic links kept: a venv's python is known by its own name
	How  string // "--python", "--venv", "$VIRTUAL_ENV", "found .venv", "found ../env", "beside standpipe", "python3 in PATH"
}

// Search is what the user asked for, and where to look otherwise.
type Search struct {
	Dir        string                   // the app's folder, absolute
	Python     string                   // a path (relative to Dir), or a bare name to look for in PATH; empty: none
	PythonFrom string                   // its source, for How; empty: "--python"
	Venv       string                   // a virtual environment's folder (relative to Dir); empty: none
	VenvFrom   string                   // likewise; empty: "--venv"
	Program    string                   // standpipe itself, absolute, without symbolic links; empty: not known
	Getenv     func(name string) string // VIRTUAL_ENV and PATH are read
}

// venvNames are the usual names of a virtual environment: those of Django's, Flask's and Python's own documentation, and
// of GitHub's .gitignore for Python.
var venvNames = []string{".venv", "venv", "env", "ENV"}

// Find finds the interpreter: what was asked for, else $VIRTUAL_ENV, a virtual environment under one of its usual names
// in Dir or beside it, the environment that standpipe was installed into, python3 in PATH. An environment that uvx or pipx has made
// for standpipe alone comes last: no app has its packages there. An interpreter that was asked for and is not usable is an error;
// it is never skipped silently.
func Find(w Search) (Interpreter, error) {
	from := func(s, alt string) string {
		if s != "" {
			return s
		}
		return alt
	}
	if w.Python != "" {
		how := from(w.PythonFrom, "--python")
		if !strings.ContainsAny(w.Python, `/\`) {
			p, err := inPath(w.Python, w.Getenv("PATH"))
			if err != nil {
				return Interpreter{}, fmt.Errorf("python %q is not in PATH; give a path, such as .venv/bin/python", w.Python)
			}
			return Interpreter{p, how}, nil
		}
		p := absolute(w.Dir, w.Python)
		if err := executable(p); err != nil {
			return Interpreter{}, fmt.Errorf("python %s %w", p, err)
		}
		return Interpreter{p, how}, nil
	}
	if w.Venv != "" {
		return venv(absolute(w.Dir, w.Venv), from(w.VenvFrom, "--venv"))
	}
	if v := w.Getenv("VIRTUAL_ENV"); v != "" {
		in, err := venv(absolute(w.Dir, v), "$VIRTUAL_ENV")
		if err != nil {
			return in, fmt.Errorf("$VIRTUAL_ENV: %w; unset it, or set --python", err)
		}
		return in, nil
	}
	if name := beside(w.Dir); name != "" {
		in, err := venv(filepath.Join(w.Dir, name), "found "+filepath.ToSlash(name))
		if err != nil {
			return in, fmt.Errorf("%w; make it again, or set --python", err)
		}
		return in, nil
	}
	self, installed := installation(w.Program)
	if installed && !self.lone {
		if in, ok := self.interpreter(); ok {
			return in, nil
		}
	}
	path := w.Getenv("PATH")
	if self.lone { // uvx puts it in front of PATH
		path = without(path, filepath.Dir(w.Program))
	}
	for _, name := range []string{"python3", "python"} {
		if p, err := inPath(name, path); err == nil {
			return Interpreter{p, name + " in PATH"}, nil
		}
	}
	if installed {
		if in, ok := self.interpreter(); ok {
			return in, nil
		}
	}
	return Interpreter{}, fmt.Errorf("no python found: there is no virtual environment (%s) in %s or in the folder above it, "+
		"VIRTUAL_ENV is not set, and python3 is not in PATH; set --python or --venv", strings.Join(venvNames, ", "), w.Dir)
}

// beside is the virtual environment of the project in dir, relative to dir; empty: there is none. Django's and Wagtail's
// tutorials have it in the folder above the one with manage.py. There it counts only if it belongs to the owner of dir,
// to this user or to root: in a folder such as /tmp every user may make one.
func beside(dir string) string {
	for _, up := range []string{"", ".."} {
		for _, name := range venvNames {
			name = filepath.Join(up, name)
			// A folder that only has the name is skipped.
			path := filepath.Join(dir, name)
			own := up == "" && isFile(filepath.Join(path, "pyvenv.cfg"))
			if !own && !isEnvironment(path) {
				continue
			}
			if !own { // perhaps another project's, or an environment of conda's without Python: it counts if it is usable
				if _, err := venv(path, ""); err != nil || up != "" && !sameOwner(dir, path) {
					continue
				}
			}
			return name
		}
	}
	return ""
}

// isEnvironment reports whether a folder is a virtual environment (PEP 405: it has a pyvenv.cfg) or one that conda made.
func isEnvironment(path string) bool {
	return isFile(filepath.Join(path, "pyvenv.cfg")) || isDir(filepath.Join(path, "conda-meta"))
}

// venv is the interpreter of a virtual environment.
func venv(dir, how string) (Interpreter, error) {
	st, err := os.Stat(dir)
	if err != nil {
		return Interpreter{}, fmt.Errorf("venv %s %w", dir, cause(err))
	}
	if !st.IsDir() {
		return Interpreter{}, fmt.Errorf("venv %s is not a folder", dir)
	}
	names := pythons()
	var first error
	for _, name := range names {
		p := filepath.Join(dir, filepath.FromSlash(name))
		err := executable(p)
		if err == nil {
			return Interpreter{p, how}, nil
		}
		if first == nil {
			first = err
		}
	}
	return Interpreter{}, fmt.Errorf("venv %s has no usable %s: it %w", dir, names[0], first)
}

func inPath(name, path string) (string, error) {
	if runtime.GOOS == "windows" && filepath.Ext(name) == "" {
		name += ".exe"
	}
	for _, dir := range filepath.SplitList(path) {
		// A relative or empty entry would depend on the working directory, which a worker changes.
		if !filepath.IsAbs(dir) {
			continue
		}
		p := filepath.Join(dir, name)
		if executable(p) == nil {
			return p, nil
		}
	}
	return "", fs.ErrNotExist
}

// without is the value of PATH without one folder.
func without(path, folder string) string {
	dirs := slices.DeleteFunc(filepath.SplitList(path), func(dir string) bool { return dir == folder })
	return strings.Join(dirs, string(filepath.ListSeparator))
}

// executable returns nil, or why path is not a program: the end of a sentence that begins with its name.
func executable(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		if l, lerr := os.Lstat(path); lerr == nil && l.Mode()&fs.ModeSymlink != 0 {
			to, _ := os.Readlink(path)
			return fmt.Errorf("is a link to %s, which does not exist", to)
		}
		return cause(err)
	}
	if st.IsDir() {
		return errors.New("is a folder, not a program")
	}
	if runtime.GOOS != "windows" && st.Mode()&0o111 == 0 {
		return errors.New("is not executable")
	}
	return nil
}

// cause is the reason without "stat" and the path, which the caller names; like that of executable.
func cause(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("does not exist")
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("cannot be used: %w", pe.Err)
	}
	return err
}

func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}
