package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Absent returns a sentence if the file or module that an app names does not exist, as far as that can be known without its
// interpreter. certain: there is no such file; otherwise the interpreter may find it elsewhere. Empty: nothing is missing.
func Absent(a *App) (why string, certain bool) {
	name, _, _ := strings.Cut(strings.TrimSpace(a.Module), ":")
	if name = strings.TrimSpace(name); name == "" || filepath.VolumeName(a.Module) != "" {
		return "", false
	}
	if strings.ContainsAny(name, `/\`) || strings.HasSuffix(name, ".py") { // a path, as the shim's spec.py has it
		path := name
		if !filepath.IsAbs(path) {
			path = filepath.Join(a.Dir, name)
		}
		if exists(path) || exists(path+".py") {
			return "", false
		}
		return fmt.Sprintf("app %q: there is no file %s", a.Name, path), true
	}
	if isRegular(filepath.Join(a.Dir, name)) { // shop.wsgi, a file
		return "", false
	}
	return absentModule(a, strings.Split(name, ".")), false
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !os.IsNotExist(err)
}

// absentModule looks for a module in the folders of the app's code, and for its package in those of the interpreter.
func absentModule(a *App, parts []string) string {
	for _, dir := range append([]string{a.Dir}, a.PythonPath...) {
		if !moduleIn(dir, parts[0]) {
			continue
		}
		for i, part := range parts[1:] {
			dir = filepath.Join(dir, parts[i])
			init, err := readBounded(filepath.Join(dir, "__init__.py"))
			if err != nil || strings.Contains(string(init), "__path__") { // more folders may belong to it
				return ""
			}
			if !moduleIn(dir, part) {
				return fmt.Sprintf("app %q: the package %s has no module %s (no %s.py in %s)", a.Name, strings.Join(parts[:i+1], "."), part, part, dir)
			}
		}
		return ""
	}
	if a.Interpreter.Path == "" || installedModule(a.Interpreter.Path, parts[0]) {
		return ""
	}
	return fmt.Sprintf("app %q: there is no module %s in %s; if its Python has it elsewhere, standpipe check --load shows that", a.Name, parts[0], a.Dir)
}

// moduleIn reports whether dir has a module or a package of that name.
func moduleIn(dir, name string) bool {
	if exists(filepath.Join(dir, name)) || exists(filepath.Join(dir, name+".py")) {
		return true
	}
	entries, err := os.ReadDir(dir)
	return err != nil && !os.IsNotExist(err) || slices.ContainsFunc(entries, func(e os.DirEntry) bool { // name.cpython-313-x86_64-linux-gnu.so, name.pyc
		return strings.HasPrefix(e.Name(), name+".")
	})
}

// installedModule reports whether the interpreter's own folders have the module, or may have it in a way that only Python
// can follow (an editable install).
func installedModule(python, name string) bool {
	prefix := filepath.Dir(filepath.Dir(python))
	venv, err := readBounded(filepath.Join(prefix, "pyvenv.cfg"))
	if in(prefix, siteFolders, name) || in(prefix, libFolders, name) {
		return true
	}
	real, lerr := filepath.EvalSymlinks(python)
	if lerr != nil {
		return true
	}
	prefix = filepath.Dir(filepath.Dir(real))
	alone := err == nil && !strings.Contains(strings.ReplaceAll(string(venv), " ", ""), "include-system-site-packages=true")
	if !in(prefix, libFolders, "os") { // a wrapper, or a layout that we do not know
		return true
	}
	return in(prefix, libFolders, name) || !alone && in(prefix, siteFolders, name)
}

// The folders of the standard library and of installed packages, below an interpreter's prefix.
var (
	libFolders  = []string{"lib/python3*", "lib64/python3*", "lib/pypy3*", "lib/python3*/lib-dynload", "Lib", "DLLs"}
	siteFolders = []string{"lib/python3*/site-packages", "lib64/python3*/site-packages", "lib/pypy3*/site-packages", "lib/python3*/dist-packages", "lib/python3/dist-packages",
		"local/lib/python3*/dist-packages", "Lib/site-packages"}
)

func in(prefix string, folders []string, name string) bool {
	for _, pattern := range folders {
		dirs, _ := filepath.Glob(filepath.Join(prefix, pattern))
		for _, dir := range dirs {
			if moduleIn(dir, name) || pathFilesHave(dir, name) {
				return true
			}
		}
	}
	return false
}

// pathFilesHave follows the .pth files of dir, as the module site does; one that imports the finder of an editable install may
// have any module.
func pathFilesHave(dir, name string) bool {
	files, _ := filepath.Glob(filepath.Join(dir, "*.pth"))
	for _, file := range files {
		text, err := readBounded(file)
		if err != nil || strings.HasPrefix(filepath.Base(file), "__editable__") {
			return true
		}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line)
			if line == "" || line[0] == '#' || strings.HasPrefix(line, "import ") {
				continue
			}
			if !filepath.IsAbs(line) {
				line = filepath.Join(dir, line)
			}
			if moduleIn(line, name) {
				return true
			}
		}
	}
	return false
}
