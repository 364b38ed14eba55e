package logfile

import (
	"os"
	"sync"

	"github.com/standpipe/standpipe/cmd/internal/config"
)

// File is a log file that can be reopened under its name.
type File struct {
	name  string
	owner *config.Identity // owner of a file that we create; nil: this process

	mu sync.Mutex
	f  *os.File
}

// openFile opens a log file to append to it.
func openFile(name string, owner *config.Identity) (*File, error) {
	f, err := appendTo(name, owner)
	if err != nil {
		return nil, err
	}
	return &File{name: name, owner: owner, f: f}, nil
}

// Write writes all of p into one file.
func (l *File) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.f.Write(p)
}

// Reopen opens the file again by its name. If that fails, the log continues in the open file.
func (l *File) Reopen() error {
	f, err := appendTo(l.name, l.owner)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.f
	l.f = f
	return old.Close()
}

// Close closes the file.
func (l *File) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.f.Close()
}

// appendTo opens a file to append to it. A file that it creates gets the owner, so that it
// can be reopened after root privileges are dropped. An existing file keeps its owner: in
// a folder that belongs to another user it could be a link to anything.
func appendTo(name string, owner *config.Identity) (*os.File, error) {
	const flags, mode = os.O_APPEND | os.O_WRONLY, 0o640
	f, err := os.OpenFile(name, flags|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return os.OpenFile(name, flags|os.O_CREATE, mode)
	}
	if owner != nil && os.Geteuid() == 0 {
		if err := f.Chown(int(owner.UID), int(owner.GID)); err != nil {
			f.Close()
			return nil, err
		}
	}
	return f, nil
}
