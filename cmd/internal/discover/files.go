package discover

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// ConfigFile is the configuration file that is read by default.
const ConfigFile = "standpipe.toml"

// LookedFor are the names that Candidates looks for, for a message.
const LookedFor = "wsgi.py, app.py, main.py, passenger_wsgi.py, a package's __init__.py, wsgi.py and app.py one folder down, src/ and manage.py"

// maxPackages bounds how many packages of one folder are listed: with more, guessing does not help.
const maxPackages = 16

// Candidates are the files in dir that may hold the app, relative to dir with slashes, in the order to try: wsgi.py,
// app.py, main.py, passenger_wsgi.py (of cPanel, Plesk and DreamHost), each package's __init__.py, each folder's wsgi.py, each folder's app.py, the same in src/, then
// manage.py. An empty list: there is none.
func Candidates(dir string) []string {
	django := isFile(filepath.Join(dir, "manage.py"))
	out := inside(dir, "", django)
	if isDir(filepath.Join(dir, "src")) {
		out = append(out, inside(filepath.Join(dir, "src"), "src", django)...)
	}
	if django {
		out = append(out, "manage.py")
	}
	return out
}

// Usual are the candidates with a fixed name, for a folder that cannot be read yet.
func Usual() []string { return append(slices.Clone(top), "manage.py") }

var top = []string{"wsgi.py", "app.py", "main.py", "passenger_wsgi.py"}

// inside lists one folder. Beside a manage.py, app.py in folders is left out: importing one of Django's packages before its
// settings are loaded fails.
func inside(dir, prefix string, django bool) []string {
	var out []string
	for _, name := range top {
		if isFile(filepath.Join(dir, name)) {
			out = append(out, path.Join(prefix, name))
		}
	}
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return out
	}
	out = append(out, packages(dir, prefix, entries)...)
	below := []string{"wsgi.py", "app.py"}
	if django {
		below = below[:1]
	}
	for _, file := range below {
		out = append(out, inFolders(dir, prefix, file, entries)...)
	}
	return out
}

// packages are the packages in dir that may be an app themselves.
func packages(dir, prefix string, entries []os.DirEntry) (out []string) {
	for _, e := range entries {
		name := e.Name()
		if len(out) == maxPackages || name == "src" || !importable(name) || slices.Contains(notApps, name) || !isDir(filepath.Join(dir, name)) {
			continue
		}
		// An empty __init__.py holds no app. Leaving it out keeps a Django project's packages from being imported before
		// manage.py is tried.
		if st, err := os.Stat(filepath.Join(dir, name, "__init__.py")); err == nil && st.Mode().IsRegular() && st.Size() > 0 {
			out = append(out, path.Join(prefix, name, "__init__.py"))
		}
	}
	return out
}

// inFolders are the files of this name one folder below dir.
func inFolders(dir, prefix, file string, entries []os.DirEntry) (out []string) {
	for _, e := range entries {
		name := e.Name()
		if len(out) < maxPackages && mayHold(dir, name) && isFile(filepath.Join(dir, name, file)) {
			out = append(out, path.Join(prefix, name, file))
		}
	}
	return out
}

// Others are files in dir that might hold an app under an unusual name: hgweb.wsgi, hello.py. At most four, mod_wsgi's
// first.
func Others(dir string) []string {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return nil
	}
	var scripts, modules []string
	for _, e := range entries {
		name := e.Name()
		switch {
		case !isFile(filepath.Join(dir, name)) || name[0] == '.' || slices.Contains(top, name):
		case strings.HasSuffix(name, ".wsgi"):
			scripts = append(scripts, name)
		case strings.HasSuffix(name, ".py") && !slices.Contains(notModules, name) && !strings.HasPrefix(name, "test_"):
			modules = append(modules, name)
		}
	}
	out := append(scripts, modules...)
	return out[:min(len(out), 4)]
}

// Projects are the folders in dir that hold a Django project: those with a manage.py. At most four.
func Projects(dir string) (out []string) {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if len(out) < 4 && mayHold(dir, e.Name()) && isFile(filepath.Join(dir, e.Name(), "manage.py")) {
			out = append(out, e.Name())
		}
	}
	return out
}

// notModules are common files beside an app that never hold it.
var notModules = []string{"__init__.py", "setup.py", "conftest.py", "manage.py", "fabfile.py", "tasks.py", "noxfile.py", "gunicorn.conf.py", "settings.py", "config.py"}

// mayHold reports whether a folder may hold an app: it is not hidden, not a virtual environment, and none of notApps.
func mayHold(dir, name string) bool {
	return name != "src" && name[0] != '.' && !strings.HasPrefix(name, "__") && !slices.Contains(notApps, name) &&
		!isEnvironment(filepath.Join(dir, name))
}

// notApps are common folders in a project that never hold its app.
var notApps = []string{"tests", "test", "docs", "doc", "examples", "migrations", "scripts", "venv", "env", "virtualenv",
	"node_modules", "build", "dist", "static", "templates"}

// importable reports whether name can be a package: a Python identifier, as far as ASCII goes.
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
