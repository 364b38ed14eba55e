package discover

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// ConfigFile is the configuration file that is taken without being asked for.
const ConfigFile = "standpipe.toml"

// Places is where Candidates looks, in words for a message.
const Places = "wsgi.py, app.py, main.py, a package's __init__.py, src/ and manage.py"

// maxPackages bounds how many packages of one folder are listed: beyond it, a guess helps nobody.
const maxPackages = 16

// Candidates are the files in dir that may hold the app, relative to dir with slashes, in the order to try: wsgi.py,
// app.py, main.py, each package's __init__.py, the same in src/, then manage.py. Nothing there: an empty list.
func Candidates(dir string) []string {
	out := inside(dir, "")
	if isDir(filepath.Join(dir, "src")) {
		out = append(out, inside(filepath.Join(dir, "src"), "src")...)
	}
	if isFile(filepath.Join(dir, "manage.py")) {
		out = append(out, "manage.py")
	}
	return out
}

func inside(dir, prefix string) []string {
	var out []string
	for _, name := range []string{"wsgi.py", "app.py", "main.py"} {
		if isFile(filepath.Join(dir, name)) {
			out = append(out, path.Join(prefix, name))
		}
	}
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return out
	}
	n := 0
	for _, e := range entries {
		name := e.Name()
		if n == maxPackages || name == "src" || !importable(name) || slices.Contains(notApps, name) || !isDir(filepath.Join(dir, name)) {
			continue
		}
		st, err := os.Stat(filepath.Join(dir, name, "__init__.py"))
		// An empty __init__.py holds no app. Leaving it out keeps a Django project's packages from being imported
		// before manage.py is looked at.
		if err != nil || !st.Mode().IsRegular() || st.Size() == 0 {
			continue
		}
		out = append(out, path.Join(prefix, name, "__init__.py"))
		n++
	}
	return out
}

// notApps are packages that are common in a project's folder and never hold its app.
var notApps = []string{"tests", "test", "docs", "doc", "examples", "migrations", "scripts", "venv", "build", "dist", "static", "templates"}

// importable says whether name can be a package: a Python identifier, as far as ASCII goes.
func importable(name string) bool {
	for i, c := range name {
		switch {
		case c == '_', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= 0x80:
		case c >= '0' && c <= '9' && i > 0:
		default:
			return false
		}
	}
	return name != "" && !strings.HasPrefix(name, "__")
}

func isFile(p string) bool {
	st, err := os.Stat(p)
	return err == nil && st.Mode().IsRegular()
}

func isDir(p string) bool {
	st, err := os.Stat(p)
	return err == nil && st.IsDir()
}
