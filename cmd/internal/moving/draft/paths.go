package draft

import (
	"path/filepath"
	"strings"
)

// Paths translates relative paths of another program's configuration.
type Paths struct {
	Base string // what they are relative to there, absolute
	Out  string // the folder of standpipe.toml, absolute
}

// File is the path for a key that is relative to the folder of standpipe.toml. An absolute path stays.
func (p Paths) File(path string) string { return within(p.Base, path, p.Out) }

// Here is the whole path, for this program to look at.
func (p Paths) Here(path string) string { return whole(p.Base, path) }

// There is the whole path of a key that is relative to the folder of standpipe.toml.
func (p Paths) There(path string) string { return whole(p.Out, path) }

func whole(base, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

// OfApp is the path for a key that is relative to the app's folder.
func (p Paths) OfApp(path, dir string) string { return within(p.Base, path, p.AppDir(dir)) }

// AppDir is an app's folder, absolute; dir is as the other configuration has it, empty: the current folder there.
func (p Paths) AppDir(dir string) string {
	if filepath.IsAbs(dir) {
		return filepath.Clean(dir)
	}
	return filepath.Join(p.Base, dir)
}

// within makes path, which is relative to base, relative to dir when it lies in dir, else absolute.
func within(base, path, dir string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	full := filepath.Join(base, path)
	rel, err := filepath.Rel(dir, full)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return full
	}
	return filepath.ToSlash(rel)
}
