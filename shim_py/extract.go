package shim_py

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const (
	dirMode  = 0o755 // workers may run as another user: they read, only we write
	fileMode = 0o644
)

// cacheDir is where Python keeps compiled modules. Extract makes it, so that its mode is ours and not a umask's.
const cacheDir = "__pycache__"

// Extract writes the shim into a folder of its own beneath the first of parents where that is possible, and returns the
// absolute path of the folder: the argument for python3. The name of the folder holds the content hash; an existing folder is
// used when its owner, modes and bytes are right, and replaced when they are not. Concurrent starts do not disturb each other:
// each fills a folder of its own and renames it into place.
//
// A parent must belong to us (or to root) and must not be writable by others, unless it is sticky as /tmp is; it is created if
// it is absent. The error names each parent and what is wrong with it; the caller can use Bootstrap then.
func Extract(parents []string) (dir string, err error) {
	if len(parents) == 0 {
		return "", errors.New("shim_py: no folder to extract into")
	}
	all := files()
	var problems []error
	for _, parent := range parents {
		dir, err := extractInto(parent, all)
		if err == nil {
			return dir, nil
		}
		problems = append(problems, fmt.Errorf("%s: %w", parent, err))
	}
	return "", errors.Join(problems...)
}

// Whole says whether all files of the shim are still in dir, where Extract has put it.
func Whole(dir string) bool {
	for _, f := range files() {
		if info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(f.name))); err != nil || info.Size() != int64(len(f.data)) {
			return false
		}
	}
	return true
}

func extractInto(parent string, all []file) (string, error) {
	parent, err := filepath.Abs(parent)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(parent, dirMode); err != nil {
		return "", err
	}
	info, err := os.Stat(parent)
	if err != nil {
		return "", err
	}
	if err := checkParent(info); err != nil {
		return "", err
	}
	dir := filepath.Join(parent, "shim-"+hashOf(all))
	wrong := verify(dir, all)
	if wrong == nil {
		return dir, nil
	}
	fresh, err := os.MkdirTemp(parent, ".shim-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh) // what is left when the rename did not happen
	if err := fill(fresh, all); err != nil {
		return "", err
	}
	if !errors.Is(wrong, fs.ErrNotExist) {
		// Out of the way first: a folder that is not empty cannot be renamed over. In a sticky parent this fails for a folder
		// that somebody else has put there, and so does Extract.
		if err := discard(dir); err != nil {
			return "", fmt.Errorf("%w; and it cannot be replaced: %w", wrong, err)
		}
	}
	if err := os.Rename(fresh, dir); err != nil {
		// Another start was first: its folder is as good as ours if it verifies.
		if verify(dir, all) == nil {
			return dir, nil
		}
		return "", err
	}
	return dir, verify(dir, all)
}

// discard renames dir before it removes it, so that no other process sees half of it.
func discard(dir string) error {
	old, err := os.MkdirTemp(filepath.Dir(dir), ".shim-old-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(old)
	err = os.Rename(dir, filepath.Join(old, "shim"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// fill writes the files. The modes are set by chmod: a umask would take from them.
func fill(dir string, all []file) error {
	for _, folder := range folders(all) {
		for _, sub := range []string{folder, path.Join(folder, cacheDir)} {
			made := filepath.Join(dir, filepath.FromSlash(sub))
			if err := os.MkdirAll(made, dirMode); err != nil {
				return err
			}
			if err := os.Chmod(made, dirMode); err != nil {
				return err
			}
		}
	}
	for _, f := range all {
		written := filepath.Join(dir, filepath.FromSlash(f.name))
		if err := os.WriteFile(written, f.data, fileMode); err != nil {
			return err
		}
		if err := os.Chmod(written, fileMode); err != nil {
			return err
		}
	}
	return nil
}

// folders returns the folders of the files, slash-separated, a parent before what lies in it; the first is ".".
func folders(all []file) []string {
	found := []string{"."}
	for _, f := range all {
		if folder := path.Dir(f.name); !slices.Contains(found, folder) {
			found = append(found, folder)
		}
	}
	slices.Sort(found)
	return found
}

// verify returns nil when dir holds exactly the shim, belongs to us and is not writable by others. Compiled modules are not read: only
// who may write the folder can have put them there.
func verify(dir string, all []file) error {
	want := make(map[string][]byte, len(all))
	for _, f := range all {
		want[f.name] = f.data
	}
	expected := folders(all)
	seen := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) && strings.Contains(path, cacheDir) {
			return nil // a Python that starts at this moment renames what it has compiled
		}
		if err != nil {
			return err
		}
		if err := checkOurs(info); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		switch {
		case entry.IsDir() && (entry.Name() == cacheDir || slices.Contains(expected, name)):
			return nil
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s: not a regular file", path)
		case strings.Contains(name, cacheDir+"/"):
			return nil
		}
		data, ok := want[name]
		if !ok {
			return fmt.Errorf("%s: not a file of the shim", path)
		}
		have, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !bytes.Equal(have, data) {
			return fmt.Errorf("%s: changed", path)
		}
		seen++
		return nil
	})
	if err == nil && seen != len(want) {
		return fmt.Errorf("%s: incomplete", dir)
	}
	return err
}
