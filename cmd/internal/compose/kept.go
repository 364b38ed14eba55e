package compose

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/logfile"
)

// keptList is a list that commands change while the server runs. It outlives upgrades, and with state_dir restarts.
type keptList struct {
	name string // in what Server.Keep returns, and of the file
	list interface {
		Version() uint64 // grows with each change
		Encode(now time.Time) ([]byte, error)
		Restore(b []byte, now time.Time) error
	}
	lost, notWritten string // events
	log              *logfile.Log

	path string // of the file; empty: there is none

	writing sync.Mutex
	written uint64    // the version in the file
	last    time.Time // of the last write
	failed  bool      // which did
}

// keptMost is the size of a file that is read, in bytes: more than a full list has.
const keptMost = 64 << 20

// load reads the list: inherited is that of the process before this one in an upgrade, nil: there is none.
func (k *keptList) load(inherited []byte, dir string) {
	if dir != "" {
		k.path = filepath.Join(dir, k.name+".json")
	}
	b, err := inherited, error(nil)
	if b == nil && k.path != "" {
		b, err = readBounded(k.path, keptMost)
	}
	if err == nil {
		err = k.list.Restore(b, time.Now())
	}
	if err != nil {
		k.log.Error(k.lost, "path", k.path, "error", oneLine(err))
	}
	k.written = k.list.Version()
}

// save writes the list for the next start, if it has changed and may be written, and was not less than pause ago. It reports
// whether the list is in the file.
func (k *keptList) save(may bool, pause time.Duration) bool {
	if k.path == "" {
		return false
	}
	k.writing.Lock()
	defer k.writing.Unlock()
	version := k.list.Version()
	if version == k.written || !may || time.Since(k.last) < pause {
		return version == k.written
	}
	k.last = time.Now()
	b, err := k.list.Encode(time.Now())
	if err == nil {
		err = replaceFile(k.path, b)
	}
	if err != nil && !k.failed {
		k.log.Error(k.notWritten, "path", k.path, "error", err)
	}
	if k.failed = err != nil; !k.failed {
		k.written = version
	}
	return !k.failed
}

// readBounded reads a file of at most so many bytes; nil: there is none.
func readBounded(path string, most int64) ([]byte, error) {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	switch {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular(): // opening a pipe would wait
		return nil, fmt.Errorf("%s is not a file", path)
	case st.Size() > most:
		return nil, fmt.Errorf("%s has %d bytes; at most %d are read", path, st.Size(), most)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most)) // it may grow
}

// replaceFile writes a file under another name first, so that it is there as a whole or as it was, after a loss of power too.
func replaceFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
