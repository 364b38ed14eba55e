package static

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/spool"
)

const (
	// piece is how much of a file goes in one call; bytes.
	piece = 4 << 20
	// heldBack is how much of an answer waits until it is known that the file has not
	// changed meanwhile; octets.
	heldBack = 16 << 10
)

// source is where an answer's octets come from: memory, or an open file.
type source struct {
	body []byte
	lent *[smallMost]byte // body lies in it; nil: it does not
	file *os.File         // nil: body
}

var (
	errCut  = errors.New("the file has changed while it was sent: the connection was closed, so that the client can tell")
	errGone = errors.New("the client has left")
)

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
	if a.body != nil {
		return &source{body: a.body}, nil
	}
	if p := a.f.body.Load(); p != nil {
		return &source{body: *p}, nil
	}
	if a.f.size <= smallMost { // its octets had to make room for others'
		return a.reread()
	}
	osf, err := a.f.open(time.Now())
	if err != nil {
		return nil, err
	}
	return &source{file: osf}, nil
}

// reread reads a small file that is known. Its octets are kept where there is room, or
// where they are asked for again and again.
func (a *answer) reread() (*source, error) {
	osf, err := a.f.descriptor(time.Now())
	if err != nil {
		return nil, err
	}
	src := &source{}
	keep := a.h.Cache.hasRoom(a.f.size) || a.f.cold.Add(1)%coldMost == 0
	if keep {
		src.body = make([]byte, a.f.size)
	} else {
		src.lent = lent.Get().(*[smallMost]byte)
		src.body = src.lent[:a.f.size]
	}
	n, err := spool.DiskFile{File: osf}.ReadAt(src.body, 0)
	if err == nil || err == io.EOF {
		err = a.f.same(osf, n)
	}
	if err != nil {
		osf.Close()
		src.free()
		return nil, err
	}
	a.f.fds.give(osf)
	if keep {
		a.f.body.Store(&src.body)
		a.h.Cache.hold(a.known, a.f, a.f.cold.Load() >= coldMost)
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

// copy sends a part. last: with it all of the answer's octets are out, and the end of
// a file is held back until it is known to be the end of that file.
func (a *answer) copy(src *source, s httpx.Span, last bool) error {
	if src.file == nil {
		_, err := a.w.Write(src.body[s.Start : s.Start+s.Length])
		if err != nil {
			return fmt.Errorf("%w: %w", errGone, err)
		}
		return nil
	}
	back := int64(0)
	if last {
		back = min(heldBack, s.Length)
	}
	if err := a.sendFile(src.file, s.Start, s.Length-back); err != nil || back == 0 {
		return err
	}
	buf := tails.Get().(*[heldBack]byte)
	defer tails.Put(buf)
	tail := buf[:back]
	if n, err := (spool.DiskFile{File: src.file}).ReadAt(tail, s.Start+s.Length-back); n < len(tail) {
		return fmt.Errorf("%w (%w)", errCut, err)
	}
	st, err := spool.DiskFile{File: src.file}.Stat()
	if err != nil || !unchanged(a.f.info, st) {
		return errCut
	}
	if _, err := a.w.Write(tail); err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return nil
}

var tails = sync.Pool{New: func() any { return new([heldBack]byte) }}

// sendFile sends a part of a file: by sendfile(2), where the connection can. Its first
// octets may lie in the file's pages until the client has taken them, so that a file
// that is rewritten may show in them; the end, which is held back, then does not come.
func (a *answer) sendFile(f *os.File, off, left int64) error {
	if _, err := f.Seek(off, io.SeekStart); err != nil {
		return err
	}
	for left > 0 {
		want := min(left, piece)
		n, err := a.w.ReadFrom(&io.LimitedReader{R: f, N: want})
		off, left = off+n, left-n
		switch {
		case err == nil && n < want:
			return errCut
		case err != nil:
			return fmt.Errorf("%w: %w", errGone, err)
		}
	}
	return nil
}

// finish gives the source back, and breaks the connection of an answer that is not
// whole.
func (a *answer) finish(src *source, err error) {
	src.free()
	if src.file != nil {
		if err == nil {
			a.f.fds.give(src.file)
		} else {
			src.file.Close()
		}
	}
	if err == nil {
		return
	}
	a.w.Info.Err = err
	if errors.Is(err, errCut) {
		a.h.Log.Warn("static_cut", "app", a.h.App, "id", a.w.Info.ID, "target", a.r.RequestURI, "dir", a.f.root.path, "name", a.f.name, "error", err)
	}
	_ = a.w.FlushError() // the client is to have the head
	a.w.Abort()
}
