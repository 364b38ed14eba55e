package disk

import (
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/standpipe/standpipe/bridge/spool"
)

// markerName is the file that makes a folder one of ours, and that has the lock.
const markerName = "standpipe-cache"

const markerText = "standpipe cache\n\nThis folder is the HTTP cache of standpipe (cache_dir). It may be removed while no server uses it.\n"

const (
	folderMode = 0o700
	fileMode   = 0o600
	shards     = 256
	tempPrefix = "new-"
)

var (
	errBusy    = errors.New("another process uses the folder")
	errForeign = errors.New("the folder has files, and none of them says that it is the cache's (" + markerName + "): name an empty folder")
	errOwner   = errors.New("the folder, or a link to it, belongs to another user")
)

// folder is the open folder. Every name is looked up in it, so that no link leads out of it.
type folder struct {
	path string
	root *os.Root
	info fs.FileInfo
	lock *os.File // the marker
	temp func(dir *os.File) (*os.File, error)
}

// openFolder opens the folder at path, which is made where there is none, and locks it. Errors:
// errBusy, errForeign, errOwner, or those of the system.
func openFolder(path string) (*folder, error) {
	defer spool.Disk()()
	if err := checkLink(path); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	if err := os.Mkdir(path, folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	f := &folder{path: path, root: root, temp: openUnnamed}
	if err := f.take(); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// take checks whose folder it is, and locks it.
func (f *folder) take() (err error) {
	if f.info, err = f.root.Stat("."); err != nil {
		return err
	}
	if !ours(f.info) {
		return errOwner
	}
	if err := f.mark(); err != nil {
		return err
	}
	if err := lockFile(f.lock); err != nil {
		return err
	}
	if f.info.Mode().Perm() == folderMode {
		return nil
	}
	return f.root.Chmod(".", folderMode) // service managers make it for everybody to read
}

// checkLink refuses a link that another user has made: it could be changed at any time.
func checkLink(path string) error {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 || trustedLink(info) {
		return nil
	}
	return errOwner
}

// mark opens the marker, which an empty folder gets.
func (f *folder) mark() error {
	info, err := f.root.Lstat(markerName)
	if errors.Is(err, fs.ErrNotExist) {
		if err := f.empty(); err != nil {
			return err
		}
		m, err := f.root.OpenFile(markerName, os.O_CREATE|os.O_EXCL|os.O_RDWR, fileMode)
		if err == nil {
			f.lock = m
			_, err = m.WriteString(markerText)
		}
		if errors.Is(err, fs.ErrExist) { // another process, at this moment
			return errBusy
		}
		return err
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || !ours(info) {
		return errForeign
	}
	if f.lock, err = f.root.OpenFile(markerName, os.O_RDWR, 0); err != nil {
		return err
	}
	first := make([]byte, len(markerText))
	n, err := f.lock.ReadAt(first, 0)
	if err != nil && err != io.EOF {
		return err
	}
	switch text := string(first[:n]); {
	case text == markerText:
		return nil
	case text == "" || strings.HasPrefix(markerText, text): // its disk was full, or its power was lost
		_, err = f.lock.WriteAt([]byte(markerText), 0)
		return err
	}
	return errForeign
}

// empty reports whether the folder has nothing, but what file systems put in their roots.
func (f *folder) empty() error {
	dir, err := f.dir(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(3)
	if err != nil && err != io.EOF {
		return err
	}
	for _, n := range names {
		if n != "lost+found" {
			return errForeign
		}
	}
	return nil
}

// close gives the lock back.
func (f *folder) close() {
	if f.lock != nil {
		unlockFile(f.lock)
		f.lock.Close()
	}
	f.root.Close()
}

// same reports whether the path still leads to this folder.
func (f *folder) same() bool {
	defer spool.Disk()()
	info, err := os.Stat(f.path)
	if err != nil || !os.SameFile(info, f.info) {
		return false
	}
	marker, err := f.root.Lstat(markerName)
	if err != nil {
		return false
	}
	locked, err := f.lock.Stat()
	return err == nil && os.SameFile(marker, locked)
}

// shardName is the name of a sub-folder: two hexadecimal digits.
func shardName(shard byte) string { return hex.EncodeToString([]byte{shard}) }

// file is the name of a file in its sub-folder.
func (n name) file() string {
	var b [49]byte
	hex.Encode(b[:], n.key[:])
	b[32] = '-'
	hex.Encode(b[33:], n.vary[:])
	return string(b[:])
}

// path is a file's name in the folder.
func (n name) path() string { return shardName(n.shard()) + "/" + n.file() }

// parseName is the reverse of file; not ok: it is no file of the cache.
func parseName(shard byte, s string) (n name, ok bool) {
	if len(s) != 49 || s[32] != '-' || strings.ToLower(s) != s {
		return n, false
	}
	if _, err := hex.Decode(n.key[:], []byte(s[:32])); err != nil {
		return n, false
	}
	_, err := hex.Decode(n.vary[:], []byte(s[33:]))
	return n, err == nil && n.shard() == shard
}

// dir opens a folder in the folder.
func (f *folder) dir(name string) (*os.File, error) {
	return f.root.OpenFile(name, os.O_RDONLY|onlyFolder, 0) // a pipe would wait for its writer
}

// list calls each with names of the files in a sub-folder, some at a time. It removes files that were
// under way when a process ended, and leaves alone what is not the cache's.
func (f *folder) list(shard byte, each func([]name)) error {
	dir, err := f.dir(shardName(shard))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	if info, err := dir.Stat(); err != nil || !info.IsDir() || !ours(info) {
		return err
	}
	for {
		entries, err := dir.ReadDir(512)
		var names []name
		for _, e := range entries {
			if !e.Type().IsRegular() {
				continue
			}
			if n, ok := parseName(shard, e.Name()); ok {
				names = append(names, n)
			} else if strings.HasPrefix(e.Name(), tempPrefix) {
				_ = f.root.Remove(shardName(shard) + "/" + e.Name())
			}
		}
		each(names)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// sweep removes files that were under way, and have no sub-folder yet.
func (f *folder) sweep() {
	dir, err := f.dir(".")
	if err != nil {
		return
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, n := range names {
		if strings.HasPrefix(n, tempPrefix) {
			_ = f.root.Remove(n)
		}
	}
}

// open opens a file. length is its length.
func (f *folder) open(n name, flag int) (file *os.File, length int64, err error) {
	defer spool.Disk()()
	file, err = f.root.OpenFile(n.path(), flag, 0)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = damaged("it is no regular file")
	}
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, info.Size(), nil
}

// remove removes a file; none: no error.
func (f *folder) remove(n name) error {
	defer spool.Disk()()
	if err := f.root.Remove(n.path()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// sync makes removals in a sub-folder last, a loss of power included.
func (f *folder) sync(shard byte) error {
	defer spool.Disk()()
	dir, err := f.dir(shardName(shard))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// full is the path of a file, for records.
func (f *folder) full(n name) string { return filepath.Join(f.path, n.path()) }
