package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/supervisor/process"
)

// Released returns the configuration from which the next generation of each app is made:
// see Release.
func (c *Config) Released() *Config {
	out := *c
	out.Apps = make([]App, len(c.Apps))
	for i := range c.Apps {
		out.Apps[i] = *c.Apps[i].Release()
	}
	out.Static, out.Internal, out.Routes = realFiles(c, process.RealPath)
	return &out
}

// ReleasedFiles is c with the current targets of the links in the folders of [[static]] and
// [[internal]], unless an app of c runs a release that its own link does not lead to any
// more: then the files stay too.
func (c *Config) ReleasedFiles() *Config {
	for i := range c.Apps {
		if a := &c.Apps[i]; a.Link != "" && process.RealPath(a.Link) != a.Dir {
			return c
		}
	}
	out := *c
	out.Static, out.Internal, out.Routes = realFiles(c, process.RealPath)
	return &out
}

func realFiles(c *Config, real func(string) string) ([]Static, []Internal, []Route) {
	internal := slices.Clone(c.Internal)
	for i := range internal {
		in := &internal[i]
		if in.Link == "" {
			in.Link = in.Dir
		}
		in.Dir = real(in.Link)
	}
	routes := slices.Clone(c.Routes)
	for i := range routes {
		f := &routes[i].Answer.Files
		if f.Link == "" {
			f.Link = f.Dir
		}
		if f.Link != "" {
			f.Dir = real(f.Link)
		}
	}
	return realStatics(c.Static, real), internal, routes
}

// Release returns the app with the links in its paths resolved: dir, the interpreter,
// pythonpath, the folders of static files. A link that changes later does not change this
// generation. A Broken app is returned unchanged.
func (a *App) Release() *App {
	if a.Link != "" || a.Broken != nil {
		return a
	}
	out := *a
	out.Link, out.Dir = a.Dir, process.RealPath(a.Dir)
	// Paths beneath dir are resolved within its target: a link that changes at this moment
	// does not mix two releases.
	pin := func(path string) string {
		if beneath(path, a.Dir) {
			path = filepath.Join(out.Dir, strings.TrimPrefix(path, a.Dir))
		}
		return path
	}
	real := func(path string) string { return process.RealPath(pin(path)) }
	out.PythonPath = slices.Clone(a.PythonPath)
	for i, p := range out.PythonPath {
		out.PythonPath[i] = real(p)
	}
	if p := a.Interpreter.Path; p != "" {
		out.LinkPython = p
		out.Interpreter.Path = process.RealProgram(pin(p))
	}
	out.Files.Static = realStatics(a.Files.Static, real)
	for _, root := range a.Files.SendfileRoots { // an app may name its files by the link, too
		if r := real(root); !slices.Contains(out.Files.SendfileRoots, r) {
			out.Files.SendfileRoots = append(slices.Clone(out.Files.SendfileRoots), r)
		}
	}
	out.Module = realModule(a.Module, out.Dir)
	return &out
}

// realModule resolves the folder of a module that is named as a file.
func realModule(module, dir string) string {
	file, name, named := strings.Cut(module, ":")
	if !strings.Contains(file, "/") {
		return module
	}
	path := filepath.Join(dir, file)
	if filepath.IsAbs(file) {
		path = file
	}
	parent := process.RealPath(filepath.Dir(path))
	if parent == filepath.Dir(path) {
		return module
	}
	if path = filepath.Join(parent, filepath.Base(path)); named {
		return path + ":" + name
	}
	return path
}

func realStatics(list []Static, real func(string) string) []Static {
	out := slices.Clone(list)
	for i := range out {
		if out[i].Link == "" {
			out[i].Link = out[i].Dir
		}
		out[i].Dir = real(out[i].Link)
	}
	return out
}

// Gone returns why the folder that this generation was made from cannot be used any more;
// nil: it can.
func (a *App) Gone() error {
	if !process.ReleaseGone(a.Dir) {
		return nil
	}
	if a.Link == a.Dir {
		return fmt.Errorf("the folder %s does not exist any more", a.Dir)
	}
	return fmt.Errorf("the release %s, of which this generation was made, does not exist any more; a reload makes one of what %s is now", a.Dir, a.Link)
}

// KeepFiles has c serve the files that old serves: the links of the folders are not resolved again.
func KeepFiles(c, old *Config) {
	c.Static, c.Internal = old.Static, old.Internal
	c.Routes = slices.Clone(c.Routes)
	for i := range c.Routes {
		f := &c.Routes[i].Answer.Files
		for j := range old.Routes {
			if was := &old.Routes[j].Answer.Files; was.Link != "" && was.Link == f.Link {
				f.Dir = was.Dir
			}
		}
	}
}
