package spool

import (
	"os"
	"path/filepath"
	"strings"
)

const (
	folderPrefix = "standpipe-spool-"
	bodyPrefix   = "standpipe-body-"
)

// Folder is the folder for large bodies of one process. It is locked as long as the process
// lives, however it ends, so that the next start finds folders that were left behind.
type Folder struct {
	Path string
	lock *os.File // nil: this system or file system has no such lock, and no start removes the folder
}

// OpenFolder makes a Folder inside parent, mode 0700, and removes those of our user whose
// process has exited. swept counts these.
func OpenFolder(parent string) (f *Folder, swept int, err error) {
	if parent, err = filepath.Abs(parent); err != nil { // a worker opens the files from another directory
		return nil, 0, err
	}
	swept = sweep(parent)
	for range 100 {
		path, err := os.MkdirTemp(parent, folderPrefix+"*")
		if err != nil {
			return nil, swept, err
		}
		lock, taken := lockFolder(path)
		if taken { // another start swept it between the two calls
			continue
		}
		return &Folder{path, lock}, swept, nil
	}
	return nil, swept, os.ErrExist
}

// Close removes the folder with its bodies.
func (f *Folder) Close() {
	empty(f.Path)
	if f.lock != nil {
		f.lock.Close()
	}
}

// sweep removes the folders in parent that no process has locked.
func sweep(parent string) (swept int) {
	found, err := filepath.Glob(filepath.Join(escapeGlob(parent), folderPrefix+"*"))
	if err != nil {
		return 0
	}
	for _, path := range found {
		lock := lockLeftover(path)
		if lock == nil {
			continue
		}
		if empty(path) == nil {
			swept++
		}
		lock.Close()
	}
	return swept
}

// empty removes the bodies and then the folder. Other files stay, and so does the folder then.
func empty(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasPrefix(e.Name(), bodyPrefix) {
			_ = os.Remove(filepath.Join(path, e.Name()))
		}
	}
	return os.Remove(path)
}

func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
