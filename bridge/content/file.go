package content

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/spool"
)

// Piece is how much of a file goes out in one call; bytes.
const Piece = 4 << 20

// ErrShort: the file has become shorter while it was sent.
var ErrShort = errors.New("the file has become shorter")

// File is an open file, or a part of one, that goes to a client.
type File struct {
	*os.File
	Offset         int64
	SharedPosition bool // another process uses the same position: no sendfile(2), which moves it
}

// SendTo sends the span s of f: by sendfile(2), where the connection and the file can.
// sent is how many bytes went out. Errors: ErrShort, a *fs.PathError of the file, or
// httpx.ErrClientGone.
func (f File) SendTo(w io.ReaderFrom, s Span) (sent int64, err error) {
	off := f.Offset + s.Start
	if !f.SharedPosition {
		if _, err := f.Seek(off, io.SeekStart); err != nil {
			return 0, err
		}
	}
	for sent < s.Length {
		want := min(s.Length-sent, Piece)
		var src io.Reader = &io.LimitedReader{R: f.File, N: want}
		if f.SharedPosition { // in a struct, so that nothing but Read is seen
			src = struct{ io.Reader }{io.NewSectionReader(spool.DiskFile{File: f.File}, off+sent, want)}
		}
		n, err := w.ReadFrom(src)
		sent += n
		switch {
		case err == nil && n < want:
			return sent, ErrShort
		case err != nil:
			return sent, clientGone(err)
		}
	}
	return sent, nil
}

// clientGone wraps the error of a write to a client. That of a file stays what it is.
func clientGone(err error) error {
	var pe *fs.PathError
	if err == nil || errors.As(err, &pe) {
		return err
	}
	return fmt.Errorf("%w: %w", httpx.ErrClientGone, err)
}
