package static

import (
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/content"
	"github.com/standpipe/standpipe/bridge/spool"
)

// file is what is known of one file, from one check. Its fields do not change; a file that
// has changed on the disk gets another one.
type file struct {
	root *Root
	name string
	info fs.FileInfo
	size int64
	body atomic.Pointer[[]byte] // the contents; nil: it is large, or memory was needed
	cold atomic.Int32           // how often it was read because body was nil
	fds  descriptors

	kind     string
	tag      string
	modified time.Time // zero: unknown
	expires  time.Duration

	// Fields: shared by all answers, never changed.
	kindField, tagField, lengthField, modifiedField, cacheField []string
	added                                                       []field // the mount's

	prepared prepared

	siblings    []*variant // compressed ahead, in the order of codings
	mayCompress bool       // it may be compressed: Vary

	compressing sync.Mutex // held while the file is compressed
	compressed  [3]atomic.Pointer[variant]
}

// variant is another representation of a file.
type variant struct {
	coding int   // in codings
	file   *file // a sibling; nil: body
	body   []byte

	tag                   string
	tagField, lengthField []string
	prepared              prepared
}

// codings are those of siblings, in order of preference.
var codings = []string{"br", "zstd", "gzip"}

// suffixes of siblings, in the order of codings.
var suffixes = []string{".br", ".zst", ".gz"}

// errFolder: the name is a folder's.
var errFolder = errors.New("a folder")

// errSpecial: the name is that of a device, a pipe or a socket.
var errSpecial = errors.New("no regular file")

// load opens a file and reads a small one.
func (s *openMount) load(r *Root, name string, fds *budget, now time.Time, sibling bool) (*file, error) {
	osf, err := r.openFile(name, now)
	if err != nil {
		return nil, err
	}
	f := &file{root: r, name: name, fds: descriptors{budget: fds}}
	keep := false
	defer func() {
		if !keep {
			osf.Close()
		}
	}()
	if err := f.read(osf, now); err != nil {
		return nil, err
	}
	f.lengthField = []string{strconv.FormatInt(f.size, 10)}
	if !sibling { // a sibling uses those of its file
		f.kind = s.typeOf(name)
		f.added = s.added
		value, expires := s.policy(r, name, f.kind, osf, f.size, now)
		f.expires = expires
		beginning := f.beginning(osf)
		f.kindField, f.cacheField = []string{s.withCharset(f.kind, beginning, f.size > int64(len(beginning)))}, []string{value}
	}
	if f.body.Load() == nil {
		keep = f.fds.put(osf)
	}
	return f, nil
}

// read takes the file's size, times and tag, and the contents of a small one. Another process
// may be writing it: the result counts when the file has not changed meanwhile.
func (f *file) read(osf *os.File, now time.Time) error {
	for try := 0; ; try++ {
		st, err := spool.DiskFile{File: osf}.Stat()
		switch {
		case err != nil:
			return err
		case st.IsDir():
			return errFolder
		case !st.Mode().IsRegular():
			return errSpecial
		}
		f.info, f.size, f.tag = st, st.Size(), ""
		f.body.Store(nil)
		if f.size > maxSmall && plausible(st.ModTime(), now) {
			f.setTag(statTag(st, now), now)
			return nil
		}
		if f.size > maxSmall {
			sum, err := sumOf(osf, f.size)
			if err != nil {
				return err
			}
			f.setTag(hashTag(sum), now)
		} else {
			body := make([]byte, f.size)
			n, err := spool.DiskFile{File: osf}.ReadAt(body, 0)
			if err != nil && err != io.EOF {
				return err
			}
			if int64(n) == f.size {
				sum := sha256.Sum256(body)
				f.body.Store(&body)
				f.setTag(hashTag(sum[:]), now)
			}
		}
		after, err := spool.DiskFile{File: osf}.Stat()
		if err != nil {
			return err
		}
		if unchanged(st, after) && f.tag != "" {
			return nil
		}
		if try == 2 { // it is written all the time: the tag is weak, and the end of the answer is checked
			f.body.Store(nil)
			f.setTag(statTag(st, st.ModTime()), now)
			return nil
		}
	}
}

// beginning is the first of the file's bytes: all of a small one.
func (f *file) beginning(osf *os.File) []byte {
	if body := f.body.Load(); body != nil {
		return *body
	}
	p := make([]byte, content.CharsetLook)
	n, _ := spool.DiskFile{File: osf}.ReadAt(p, 0) // a file that cannot be read gets no charset
	return p[:n]
}

func (f *file) setTag(tag string, now time.Time) {
	f.tag, f.tagField = tag, []string{tag}
	if at := f.info.ModTime(); plausible(at, now) {
		// A time in the future counts as now (RFC 9110 8.8.2.1).
		if at.After(now) {
			at = now
		}
		f.modified = at.Truncate(time.Second)
		f.modifiedField = []string{at.UTC().Format(http.TimeFormat)}
	}
}

// unchanged compares two checks of one open file. A link that was added or removed changes
// the inode's time and nothing else.
func unchanged(a, b fs.FileInfo) bool {
	return a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && (changed(a) == changed(b) || links(a) != links(b))
}

// stale reports whether the name means another file now, or the file has changed.
func (f *file) stale(now time.Time) bool {
	st, err := f.root.stat(f.name, now)
	if err != nil || !os.SameFile(st, f.info) || !unchanged(f.info, st) || changed(st) != changed(f.info) {
		return true
	}
	return len(f.tag) > 2 && f.tag[0] == 'W' && now.Sub(st.ModTime()) >= time.Second // the tag may be strong now
}

// cost is how much memory the contents take.
func (f *file) cost() int64 {
	var n int64
	if b := f.body.Load(); b != nil {
		n += int64(len(*b))
	}
	for i := range f.compressed {
		if v := f.compressed[i].Load(); v != nil {
			n += int64(len(v.body))
		}
	}
	for _, v := range f.siblings {
		n += v.file.cost()
	}
	return n
}

// drop frees the memory of the contents.
func (f *file) drop() {
	f.body.Store(nil)
	for i := range f.compressed {
		f.compressed[i].Store(nil)
	}
	for _, v := range f.siblings {
		v.file.drop()
	}
}

// close closes the idle descriptors. An answer that is being sent has its own.
func (f *file) close() {
	f.fds.close()
	for _, v := range f.siblings {
		v.file.close()
	}
}
