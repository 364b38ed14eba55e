package access

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
)

// File is a file whose content is read again when it changes. T is what was made of it.
type File[T any] struct {
	path string
	read func(path string, r io.Reader) (*T, error)
	now  atomic.Pointer[T]

	// Files' lock is held for these.
	stamp, last stamp // of the content in force or of the last that failed; of the last look
	failed      bool
}

// stamp tells one content of a file from another one.
type stamp struct {
	changed, size int64
	file          fs.FileInfo // nil: there is none
}

func stampOf(path string) stamp {
	st, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{st.ModTime().UnixNano(), st.Size(), st}
}

func (s stamp) same(o stamp) bool {
	return s.changed == o.changed && s.size == o.size && (s.file == nil) == (o.file == nil) && (s.file == nil || os.SameFile(s.file, o.file))
}

// Load returns what is in force.
func (f *File[T]) Load() *T { return f.now.Load() }

func (f *File[T]) name() string { return f.path }

// reread reads the file, and keeps what was in force if that fails.
func (f *File[T]) reread() error {
	at := stampOf(f.path)
	f.stamp, f.last, f.failed = at, at, true
	r, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer r.Close()
	if st, err := r.Stat(); err == nil && !st.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", f.path)
	}
	made, err := f.read(f.path, r)
	if err != nil {
		return err
	}
	f.now.Store(made)
	f.failed = false
	return nil
}

// look reports whether the file has changed, and has stayed as it is since the last look: an editor may still write it.
func (f *File[T]) look() bool {
	at := stampOf(f.path)
	was := f.last
	f.last = at
	return !at.same(f.stamp) && at.same(was)
}

// watched is a File of any content.
type watched interface {
	name() string
	look() bool
	reread() error
}

// Files are the files that tables name.
type Files struct {
	log hclog.Logger // gets access_file and access_file_failed

	mu   sync.Mutex
	open map[fileKey]watched
}

// fileKey: the same path may be of two kinds.
type fileKey struct{ kind, path string }

// NewFiles returns Files without one.
func NewFiles(log hclog.Logger) *Files { return &Files{log: log, open: map[fileKey]watched{}} }

// Opening is what one configuration names.
type Opening struct {
	files *Files
	used  map[fileKey]bool
}

// Open begins one.
func (s *Files) Open() *Opening { return &Opening{s, map[fileKey]bool{}} }

// opened returns a file of a kind. One that is open is read if it has changed, as Look would do a little later.
func opened[T any](o *Opening, kind, path string, read func(path string, r io.Reader) (*T, error)) (*File[T], error) {
	o.files.mu.Lock()
	defer o.files.mu.Unlock()
	key := fileKey{kind, path}
	f, known := o.files.open[key].(*File[T])
	if !known {
		f = &File[T]{path: path, read: read}
	}
	if !known || !stampOf(path).same(f.stamp) || f.failed {
		if err := f.reread(); err != nil {
			return nil, err
		}
	}
	o.files.open[key], o.used[key] = f, true
	return f, nil
}

// InForce closes the files that o does not name.
func (o *Opening) InForce() {
	o.files.mu.Lock()
	defer o.files.mu.Unlock()
	for key := range o.files.open {
		if !o.used[key] {
			delete(o.files.open, key)
		}
	}
}

// Look reads the files that have changed. It is called about twice a second, by one goroutine.
func (s *Files) Look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.open {
		if !f.look() {
			continue
		}
		if err := f.reread(); err != nil {
			s.log.Error("access_file_failed", "path", f.name(), "error", err, "message", f.name()+" has changed and cannot be used: its previous content stays in force")
			continue
		}
		s.log.Info("access_file", "path", f.name(), "message", f.name()+" has changed; its new content is in force")
	}
}
