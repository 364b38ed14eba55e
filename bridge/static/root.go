package static

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/spool"
)

// recheckAfter is how long the result of a look-up counts.
const recheckAfter = time.Second

// Root is one folder. Links in its own path are resolved when it is opened: a deployment that
// changes such a link takes effect with the next generation. No name leads out of the folder,
// and no link inside it does, unless follow is set.
type Root struct {
	path   string // as configured
	follow bool   // links may be absolute, and may leave
	site   bool   // the whole site: no Python sources
	owner  Owner
	log    hclog.Logger

	mu     sync.Mutex // guards opening
	looked time.Time
	open   atomic.Pointer[opened]
	closed bool
	said   string      // why it was not opened; guarded by mu
	told   atomic.Bool // of the first link that was refused

	manifests manifests
}

// opened is an open folder.
type opened struct {
	*os.Root
	info fs.FileInfo
	real string // its path without links
}

// newRoot opens the folder if it exists; else requests try again, once a second.
func newRoot(path string, p *Mount, log hclog.Logger) *Root {
	r := &Root{path: path, follow: p.FollowLinks, site: p.Site, owner: p.Owner, log: log}
	r.reopen(time.Now())
	return r
}

// like reports whether the folder is served by the same rules as p.
func (r *Root) like(p *Mount) bool {
	return r.follow == p.FollowLinks && r.site == p.Site && r.owner == p.Owner
}

// handle returns the open folder; nil: there is none.
func (r *Root) handle(now time.Time) *opened {
	if o := r.open.Load(); o != nil {
		return o
	}
	r.mu.Lock()
	due := now.Sub(r.looked) >= recheckAfter
	r.mu.Unlock()
	if due {
		r.reopen(now)
	}
	return r.open.Load()
}

// missed is called when a name was not found: the folder itself may have been removed and
// made again, which an open descriptor does not show.
func (r *Root) missed(now time.Time) {
	r.mu.Lock()
	due := now.Sub(r.looked) >= recheckAfter
	if due {
		r.looked = now
	}
	r.mu.Unlock()
	o := r.open.Load()
	if !due || o == nil {
		return
	}
	if st, err := o.Stat("."); err == nil && links(st) > 0 {
		return
	}
	r.reopen(now)
}

func (r *Root) reopen(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.looked = now
	if r.closed {
		return
	}
	next, err := openFolder(r.path, r.owner)
	r.logUnusable(err)
	old := r.open.Swap(next)
	if old != nil {
		old.Close()
	}
}

func openFolder(path string, owner Owner) (*opened, error) {
	defer spool.Disk()()
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(real)
	if err != nil {
		return nil, err
	}
	st, err := root.Stat(".")
	if err == nil && !owner.has(st) {
		err = errOwner
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	return &opened{root, st, real}, nil
}

var errOwner = errors.New("it does not belong to the app's user")

// Unusable returns, for people, why nothing of a folder can be served; empty: it can.
func Unusable(path string, owner Owner) string {
	o, err := openFolder(path, owner)
	if err == nil {
		o.Close()
	}
	return reasonOf(path, err)
}

// reasonOf puts an error of opening a folder into words.
func reasonOf(path string, err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, fs.ErrNotExist):
		return "it does not exist"
	case errors.Is(err, syscall.ENOTDIR), notFolder(err):
		return "it is no folder"
	case errors.Is(err, fs.ErrPermission):
		user := "the server's user (" + strconv.Itoa(os.Getuid()) + ")"
		if above := closedAbove(path); above != "" {
			return user + " may not enter it: " + above + " does not let it through"
		}
		return user + " may not enter it"
	}
	return err.Error()
}

// closedAbove is the folder above path that this user may not enter; empty: it is path itself.
func closedAbove(path string) string {
	path, err := filepath.Abs(path)
	for above := filepath.Dir(path); err == nil && above != path; path, above = above, filepath.Dir(above) {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrPermission) {
			return ""
		}
		if _, err := os.Stat(above); err == nil {
			return above
		}
	}
	return ""
}

// notFolder: os has no value for a Root that is none.
func notFolder(err error) bool {
	var pe *fs.PathError
	return errors.As(err, &pe) && strings.Contains(pe.Err.Error(), "not a directory")
}

// logUnusable writes a record of why the folder cannot be served, once for each reason. mu is
// held.
func (r *Root) logUnusable(err error) {
	why := reasonOf(r.path, err)
	if why != "" && why != r.said {
		r.log.Warn("static_folder", "dir", r.path, "message", "A static folder cannot be served: "+why+". It is tried again once a second.")
	}
	r.said = why
}

// same reports whether the path leads to the folder that is open.
func (r *Root) same() bool {
	o := r.open.Load()
	if o == nil { // it stays the same as long as it cannot be opened
		return Unusable(r.path, r.owner) != ""
	}
	st, err := os.Stat(r.path)
	return err == nil && os.SameFile(o.info, st)
}

func (r *Root) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if o := r.open.Swap(nil); o != nil {
		o.Close()
	}
}

func (r *Root) isClosed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

var errNoFolder = errors.New("the folder is not there")

// openFile opens a name that nameOf has accepted. A device, a pipe or a socket does not block
// it.
func (r *Root) openFile(name string, now time.Time) (*os.File, error) {
	o := r.handle(now)
	if o == nil {
		return nil, errNoFolder
	}
	done := spool.Disk()
	f, err := o.OpenFile(name, os.O_RDONLY|nonBlocking, 0)
	done()
	if err != nil {
		if leaves(err) {
			if r.follow {
				done := spool.Disk()
				f, err = os.OpenFile(filepath.Join(o.real, name), os.O_RDONLY|nonBlocking, 0)
				done()
			} else {
				r.logLink(name)
			}
		} else if errors.Is(err, fs.ErrNotExist) {
			r.missed(now)
		}
	}
	if err != nil {
		return nil, err
	}
	if foldsCase && !exactly(o.Root, name) {
		f.Close()
		return nil, fs.ErrNotExist
	}
	return f, nil
}

// stat looks at a name as openFile would open it.
func (r *Root) stat(name string, now time.Time) (fs.FileInfo, error) {
	o := r.handle(now)
	if o == nil {
		return nil, errNoFolder
	}
	defer spool.Disk()()
	st, err := o.Stat(name)
	if err != nil && r.follow && leaves(err) {
		st, err = os.Stat(filepath.Join(o.real, name))
	}
	return st, err
}

// look is stat for a name that nobody has opened. It says why a link is refused, and finds a
// folder that was made again.
func (r *Root) look(name string, now time.Time) (fs.FileInfo, error) {
	st, err := r.stat(name, now)
	switch {
	case err == nil:
		if o := r.open.Load(); foldsCase && (o == nil || !exactly(o.Root, name)) {
			return nil, fs.ErrNotExist
		}
	case leaves(err):
		r.logLink(name)
	case errors.Is(err, fs.ErrNotExist):
		r.missed(now)
	}
	return st, err
}

// leaves: os has no value for a path that leads out of its Root.
func leaves(err error) bool {
	var pe *fs.PathError
	return errors.As(err, &pe) && strings.Contains(pe.Err.Error(), "escapes")
}

func (r *Root) logLink(name string) {
	if !r.told.Swap(true) {
		r.log.Warn("static_link_refused", "dir", r.path, "name", name, "message",
			"A link that is absolute, or leads out of a static folder, is not followed; follow_symlinks allows it (logged once per folder and start).")
	}
}

// foldsCase: file systems there find "Secret.TXT" under "secret.txt", so that a request could
// bypass a rule about names.
const foldsCase = runtime.GOOS == "darwin" || runtime.GOOS == "windows"

// exactly reports whether each part of name has the same case as in the folder.
func exactly(root *os.Root, name string) bool {
	for name != "." && name != "" {
		dir, base := ".", name
		if i := strings.LastIndexByte(name, '/'); i >= 0 {
			dir, base = name[:i], name[i+1:]
		}
		d, err := root.Open(dir)
		if err != nil {
			return false
		}
		names, _ := d.Readdirnames(-1)
		d.Close()
		found := false
		for _, n := range names {
			found = found || n == base
		}
		if !found {
			return false
		}
		name = dir
	}
	return true
}
