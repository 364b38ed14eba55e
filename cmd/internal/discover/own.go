package discover

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// own is where this program was installed by pip, uv or their like: an environment, or the folder of a whole Python.
type own struct {
	prefix string
	python []string // the names that its interpreter may have, relative to prefix
	lone   bool     // uvx, `uv tool` or pipx has made it for standpipe alone: no app has its packages there
}

// installation is the environment that program lies in; false: it was not installed into one. program is an absolute path without
// symbolic links: `uv tool` and pipx put a link elsewhere.
func installation(program string) (own, bool) {
	if program == "" {
		return own{}, false
	}
	in := own{prefix: filepath.Dir(filepath.Dir(program)), python: pythons()}
	sites := sitePackages(in.prefix)
	if isEnvironment(in.prefix) {
		in.lone = madeByTool(in.prefix) && !slices.ContainsFunc(sites, holdsOthers)
		return in, true
	}
	// A whole Python, such as pyenv's or that of an image: the version which has our package is meant.
	for _, site := range sites {
		if holds(site, isOurs) {
			if version := filepath.Base(filepath.Dir(site)); strings.HasPrefix(version, "py") {
				in.python = append([]string{"bin/" + version}, in.python...)
			}
			return in, true
		}
	}
	return own{}, false
}

// interpreter is that of the installation; false: it has none that is usable.
func (in own) interpreter() (Interpreter, bool) {
	for _, name := range in.python {
		if p := filepath.Join(in.prefix, filepath.FromSlash(name)); executable(p) == nil {
			return Interpreter{p, "beside standpipe"}, true
		}
	}
	return Interpreter{}, false
}

// pythons are the usual names of an environment's interpreter.
func pythons() []string {
	if runtime.GOOS == "windows" {
		return []string{"Scripts/python.exe", "python.exe"} // conda's is in the folder itself
	}
	return []string{"bin/python", "bin/python3"}
}

// madeByTool reports whether pipx (`pipx run` too), `uv tool` or uvx has made the environment.
func madeByTool(prefix string) bool {
	return isFile(filepath.Join(prefix, "pipx_metadata.json")) || isFile(filepath.Join(prefix, "uv-receipt.toml")) ||
		filepath.Base(filepath.Dir(prefix)) == "archive-v0" // a folder of uv's cache
}

// sitePackages are the folders of packages below prefix.
func sitePackages(prefix string) []string {
	var found []string
	for _, pattern := range []string{"lib/py*/site-packages", "lib/py*/dist-packages", "Lib/site-packages"} {
		sites, err := filepath.Glob(filepath.Join(escaped(prefix), filepath.FromSlash(pattern)))
		if err == nil {
			found = append(found, sites...)
		}
	}
	return found
}

// escaped is path for filepath.Glob.
func escaped(path string) string {
	if runtime.GOOS == "windows" {
		return path // there is no escape
	}
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// holds reports whether a distribution whose name satisfies is lies in a folder of packages.
func holds(site string, is func(name string) bool) bool {
	entries, err := os.ReadDir(site)
	return err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		stem, found := strings.CutSuffix(e.Name(), ".dist-info")
		if !found {
			stem, found = strings.CutSuffix(e.Name(), ".egg-info")
		}
		name, _, _ := strings.Cut(stem, "-")
		return found && is(strings.ToLower(name))
	})
}

func isOurs(name string) bool { return name == "standpipe" }

// holdsOthers reports whether a folder of packages holds more than standpipe and what installs packages.
func holdsOthers(site string) bool {
	return holds(site, func(name string) bool {
		return !slices.Contains([]string{"standpipe", "pip", "setuptools", "wheel"}, name)
	})
}
