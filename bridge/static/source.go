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

// source is what an answer is sent from: memory, or an open file.
type source struct {
	body []byte
	lent *[maxSmall]byte // holds body; nil: it does not
	file *os.File        // nil: body
}

var errCut = errors.New("the file has changed while it was sent: the connection was closed, so that the client can tell")

// open returns a descriptor of the file as it is known; errChanged: the file has changed.
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

// descriptor takes an idle descriptor, or opens the file's name.
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

// same returns errChanged when osf is not the file as it is known, or its size is not n.
func (f *file) same(osf *os.File, n int) error {
	st, err := spool.DiskFile{File: osf}.Stat()
	if err == nil && (int64(n) != f.size || !os.SameFile(f.info, st) || !unchanged(f.info, st)) {
		err = errChanged
	}
	return err
}

// source opens what the answer is sent from; nil: it has no body.
func (a *answer) source(status int) (*source, error) {
	if a.r.Method == http.MethodHead || status != http.StatusOK && status != http.StatusPartialContent {
		return nil, nil
	}
	if body := a.compressed(); body != nil {
		return &source{body: body}, nil
	}
	f := a.file()
	if p := f.body.Load(); p != nil {
		return &source{body: *p}, nil
	}
	if f.size <= maxSmall { // its contents were freed
		return a.reread(f)
	}
	osf, err := f.open(time.Now())
	if err != nil {
		return nil, err
	}
	return &source{file: osf}, nil
}

// reread reads a small file that is known. Its contents are kept where there is room, or
// where they are often read.
func (a *answer) reread(f *file) (*source, error) {
	osf, err := f.descriptor(time.Now())
	if err != nil {
		return nil, err
	}
	src := &source{}
	keep := a.h.Cache.hasRoom(f.size) || f.cold.Add(1)%maxCold == 0
	if keep {
		src.body = make([]byte, f.size)
	} else {
		src.lent = lent.Get().(*[maxSmall]byte)
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
		a.h.Cache.keep(a.known, f, f.cold.Load() >= maxCold)
	}
	return src, nil
}

// maxCold is how often a file is read before the contents of others are freed for it.
const maxCold = 8

var lent = sync.Pool{New: func() any { return new([maxSmall]byte) }}

// free gives lent memory back.
func (s *source) free() {
	if s.lent != nil {
		lent.Put(s.lent)
		s.lent, s.body = nil, nil
	}
}

// copy sends a part. last: it is the last one, and its end is held back until the file is
// known to be unchanged. The first bytes may stay in the file's pages until the client takes
// them, so that the client may get bytes of a file that is rewritten; the end then does not
// come.
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

// finish releases the source, and aborts an answer that is not complete.
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
	_ = a.w.FlushError() // so that the client has the head
	a.w.Abort()
}
