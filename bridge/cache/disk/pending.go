package disk

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"strconv"

	"github.com/standpipe/standpipe/bridge/spool"
)

// pending is a file that is under way. It has no name where the system can do that, and is gone with
// the process then.
type pending struct {
	*os.File
	shard byte
	path  string // in the folder; "": it has no name
}

// create makes a file in a sub-folder.
func (f *folder) create(shard byte) (*pending, error) {
	defer spool.Disk()()
	dir, err := f.subFolder(shard)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	file, err := f.temp(dir)
	if err == nil {
		return &pending{file, shard, ""}, nil
	}
	if !errors.Is(err, errors.ErrUnsupported) {
		return nil, err
	}
	return f.named(shardName(shard)+"/", shard)
}

// subFolder opens a sub-folder, which is made.
func (f *folder) subFolder(shard byte) (*os.File, error) {
	dir, err := f.dir(shardName(shard))
	if errors.Is(err, fs.ErrNotExist) {
		if err = f.root.Mkdir(shardName(shard), folderMode); err == nil || errors.Is(err, fs.ErrExist) {
			dir, err = f.dir(shardName(shard))
		}
	}
	return dir, err
}

// named makes a file with a name.
func (f *folder) named(dir string, shard byte) (*pending, error) {
	path := dir + tempPrefix + strconv.FormatUint(rand.Uint64(), 36)
	file, err := f.root.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, fileMode)
	if err != nil {
		return nil, err
	}
	return &pending{file, shard, path}, nil
}

// loose makes a file for a body whose Answer is not known yet. It vanishes when it is closed, where
// the system can do that.
func (f *folder) loose() (*os.File, error) {
	defer spool.Disk()()
	dir, err := f.dir(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	file, err := f.temp(dir)
	if !errors.Is(err, errors.ErrUnsupported) {
		return file, err
	}
	p, err := f.named("", 0)
	if err != nil {
		return nil, err
	}
	if canUnlink {
		_ = f.root.Remove(p.path)
	}
	return p.File, nil
}

// commit gives a file its name. A file that had it is replaced. The caller holds the lock of the
// sub-folder.
func (f *folder) commit(p *pending, n name) error {
	defer spool.Disk()()
	if p.path != "" {
		return f.root.Rename(p.path, n.path())
	}
	dir, err := f.dir(shardName(p.shard))
	if err != nil {
		return err
	}
	defer dir.Close()
	err = linkUnnamed(p.File, dir, n.file())
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := f.root.Remove(n.path()); err != nil {
		return err
	}
	return linkUnnamed(p.File, dir, n.file())
}

// discard closes a file that got no name, and removes it.
func (f *folder) discard(p *pending) {
	p.Close()
	if p.path != "" {
		_ = f.root.Remove(p.path)
	}
}
