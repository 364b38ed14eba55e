package process

import (
	"os"
	"path/filepath"
	"strings"
)

// The paths of a generation are resolved once, when it is made: a deployment that points a
// link elsewhere takes effect in the next generation.

// RealPath is path with its links resolved, as far as it exists.
func RealPath(path string) string {
	rest := ""
	for at := filepath.Clean(path); ; at = filepath.Dir(at) {
		if real, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(real, rest)
		}
		if at == filepath.Dir(at) {
			return path
		}
		rest = filepath.Join(filepath.Base(at), rest)
	}
}

// RealProgram is the path of an interpreter with its links resolved, except for the links that give it its meaning: Python finds
// a virtual environment by the folder of its program's name, and the shim of a version manager knows by its name what to run.
func RealProgram(path string) string {
	for range 40 { // as many links as Linux follows
		path = filepath.Join(RealPath(filepath.Dir(path)), filepath.Base(path))
		to, err := os.Readlink(path)
		if err != nil || inVenv(path) || !isPython(filepath.Base(to)) {
			return path
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return path
}

// inVenv reports whether pyvenv.cfg is beside the program or above it (PEP 405).
func inVenv(program string) bool {
	dir := filepath.Dir(program)
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if _, err := os.Stat(filepath.Join(d, "pyvenv.cfg")); err == nil {
			return true
		}
	}
	return false
}

func isPython(name string) bool {
	return strings.HasPrefix(name, "python") || strings.HasPrefix(name, "pypy")
}

// ReleaseGone reports whether the folder that a generation was made from does not exist any more. An empty name is a folder that
// is not known.
func ReleaseGone(dir string) bool {
	if dir == "" {
		return false
	}
	_, err := os.Stat(dir)
	return os.IsNotExist(err)
}
