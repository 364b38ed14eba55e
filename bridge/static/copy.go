package static

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/content"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/spool"
)

// heldBack is how much of an answer waits until it is known that the file has not
// changed meanwhile; bytes.
const heldBack = 16 << 10

// source is where an answer's octets come from: memory, or an open file.
type source struct {
	body []byte
	lent *[smallMost]byte // body lies in it; nil: it does not
	file *os.File         // nil: body
}

var errCut = errors.New("the file has changed while it was sent: the connection was closed, so that the client can tell")

// open returns a descriptor of its own of the file as it is known; errChanged: there is
// another one in its place now.
func (f *file) open(now time.Time) (*os.File, error) {
	osf, err := f.descriptor(now)
	if err != nil {
		return nil, err
	}
	if err := f.same(osf, int(f.size)); err != nil {
		osf.Close()
		return nil, err
	}
	return osf, nil
}

// descriptor opens whatever has the file's name, or takes one that waits.
func (f *file) descriptor(now time.Time) (*os.File, error) {
	if osf := f.fds.take(); osf != nil {
		return osf, nil
	}
	osf, err := f.root.openFile(f.name, now)
	if err != nil && missing(err) {
		err = errChanged
	}
	return osf, err
}

// same returns errChanged when osf is not the file as it is known, or n octets are not
// all of it.
func (f *file) same(osf *os.File, n int) error {
	st, err := spool.DiskFile{File: osf}.Stat()
	if err == nil && (int64(n) != f.size || !os.SameFile(f.info, st) || !unchanged(f.info, st)) {
		err = errChanged
	}
	return err
}

// source opens what the answer needs; nil: nothing.
func (a *answer) source(status int) (*source, error) {
	if a.r.Method == http.MethodHead || status != http.StatusOK && status != http.StatusPartialContent {
		return nil, nil
	}
	if body := a.pressed(); body != nil {
		return &source{body: body}, nil
	}
	f := a.file()
	if p := f.body.Load(); p != nil {
		return &source{body: *p}, nil
	}
	if f.size <= smallMost { // its bytes had to make room for others'
		return a.reread(f)
	}
	osf, err := f.open(time.Now())
	if err != nil {
		return nil, err
	}
	return &source{file: osf}, nil
}

// reread reads a small file that is known. Its bytes are kept where there is room, or
// where they are asked for again and again.
func (a *answer) reread(f *file) (*source, error) {
	osf, err := f.descriptor(time.Now())
	if err != nil {
		return nil, err
	}
	src := &source{}
	keep := a.h.Cache.hasRoom(f.size) || f.cold.Add(1)%coldMost == 0
	if keep {
		src.body = make([]byte, f.size)
	} else {
		src.lent = lent.Get().(*[smallMost]byte)
		src.body = src.lent[:f.size]
	}
	n, err := spool.DiskFile{File: osf}.ReadAt(src.body, 0)
	if err == nil || err == io.EOF {
		err = f.same(osf, n)
	}
	if err != nil {
		osf.Close()
		src.free()
		return nil, err
	}
	f.fds.give(osf)
	if keep {
		f.body.Store(&src.body)
		a.h.Cache.hold(a.known, f, f.cold.Load() >= coldMost)
	}
	return src, nil
}

// coldMost is how often a file is read anew before others make room for it.
const coldMost = 8

var lent = sync.Pool{New: func() any { return new([smallMost]byte) }}

// free gives lent memory back.
func (s *source) free() {
	if s.lent != nil {
		lent.Put(s.lent)
		s.lent, s.body = nil, nil
	}
}

// copy sends a part. last: with it all of the answer's bytes are out, and the end of
// a file is held back until it is known to be the end of that file. Its first bytes may
// lie in the file's pages until the client has taken them, so that a file that is
// rewritten may show in them; the end then does not come.
func (a *answer) copy(src *source, s content.Span, last bool) error {
	if src.file == nil {
		return a.write(src.body[s.Start : s.Start+s.Length])
	}
	back := int64(0)
	if last {
		back = min(heldBack, s.Length)
	}
	_, err := content.File{File: src.file}.SendTo(a.w, content.Span{Start: s.Start, Length: s.Length - back})
	switch {
	case err == content.ErrShort:
		return errCut
	case err != nil || back == 0:
		return err
	}
	buf := tails.Get().(*[heldBack]byte)
	defer tails.Put(buf)
	tail := buf[:back]
	if n, err := (spool.DiskFile{File: src.file}).ReadAt(tail, s.Start+s.Length-back); n < len(tail) {
		return fmt.Errorf("%w (%w)", errCut, err)
	}
	st, err := spool.DiskFile{File: src.file}.Stat()
	if err != nil || !unchanged(a.file().info, st) {
		return errCut
	}
	return a.write(tail)
}

func (a *answer) write(p []byte) error {
	if _, err := a.w.Write(p); err != nil {
		return fmt.Errorf("%w: %w", httpx.ErrClientGone, err)
	}
	return nil
}

var tails = sync.Pool{New: func() any { return new([heldBack]byte) }}

// finish gives the source back, and aborts an answer that is not whole.
func (a *answer) finish(src *source, err error) {
	f := a.file()
	src.free()
	if src.file != nil {
		if err == nil {
			f.fds.give(src.file)
		} else {
			src.file.Close()
		}
	}
	if err == nil {
		return
	}
	a.w.Info.Err = err
	if !errors.Is(err, httpx.ErrClientGone) {
		a.h.Log.Warn("static_cut", "app", a.h.App, "id", a.w.Info.ID, "target", a.r.RequestURI, "dir", f.root.path, "name", f.name, "error", err)
	}
	_ = a.w.FlushError() // the client is to have the head
	a.w.Abort()
}
