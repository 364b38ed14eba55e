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
)

const (
	// piece is how much of a file goes in one call; octets. The write deadline is
	// pushed on in between.
	piece = 4 << 20
	// heldBack is how much of an answer waits until it is known that the file has not
	// changed meanwhile; octets.
	heldBack = 16 << 10
)

// source is where an answer's octets come from: memory, or an open file.
type source struct {
	body []byte
	file *os.File // nil: body
}

var (
	errCut  = errors.New("the file has changed while it was sent: the connection was closed, so that the client can tell")
	errGone = errors.New("the client has left")
)

// open returns a descriptor of its own of the file as it is known; errChanged: there is
// another one in its place now.
func (f *file) open(now time.Time) (*os.File, error) {
	osf := f.fds.take()
	if osf == nil {
		var err error
		if osf, err = f.root.openFile(f.name, now); err != nil {
			if missing(err) {
				err = errChanged
			}
			return nil, err
		}
	}
	st, err := osf.Stat()
	if err == nil && (!os.SameFile(f.info, st) || !unchanged(f.info, st)) {
		err = errChanged
	}
	if err != nil {
		osf.Close()
		return nil, err
	}
	return osf, nil
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
		p := a.f.octets()
		if p == nil {
			return nil, errChanged
		}
		a.f.body.Store(&p)
		a.h.Cache.hold(a.known, a.f, false)
		return &source{body: p}, nil
	}
	osf, err := a.f.open(time.Now())
	if err != nil {
		return nil, err
	}
	return &source{file: osf}, nil
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
	if n, err := src.file.ReadAt(tail, s.Start+s.Length-back); n < len(tail) {
		return fmt.Errorf("%w (%w)", errCut, err)
	}
	st, err := src.file.Stat()
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
		if t := a.h.SendTimeout; t > 0 {
			_ = http.NewResponseController(a.w).SetWriteDeadline(time.Now().Add(t)) // not every server has one
		}
		want := min(left, piece)
		n, err := a.w.ReadFrom(&io.LimitedReader{R: f, N: want})
		off, left = off+n, left-n
		switch {
		case err == nil && n < want:
			return errCut
		case err != nil && n > 0 && errors.Is(err, os.ErrDeadlineExceeded): // the client is slow, but takes something
			if _, err := f.Seek(off, io.SeekStart); err != nil {
				return err
			}
		case err != nil:
			return fmt.Errorf("%w: %w", errGone, err)
		}
	}
	return nil
}

// finish gives the source back, and breaks the connection of an answer that is not
// whole.
func (a *answer) finish(src *source, err error) {
	if src.file != nil {
		if a.h.SendTimeout > 0 { // the connection's next answer has its own
			_ = http.NewResponseController(a.w).SetWriteDeadline(time.Time{})
		}
		if err == nil {
			a.f.fds.give(src.file)
		} else {
			src.file.Close()
		}
	}
	if err == nil {
		return
	}
	a.w.Note.Err = err
	if errors.Is(err, errCut) {
		a.h.Log.Warn("static_cut", "app", a.h.App, "id", a.w.Note.ID, "target", a.r.RequestURI, "dir", a.f.root.path, "name", a.f.name, "error", err)
	}
	_ = a.w.FlushError() // the client is to have the head
	panic(http.ErrAbortHandler)
}
