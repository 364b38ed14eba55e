package content

import (
	"errors"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// spy notes what comes in one call of ReadFrom.
type spy struct {
	files, pieces int
	err           error
}

func (s *spy) ReadFrom(r io.Reader) (int64, error) {
	s.pieces++
	if lr, ok := r.(*io.LimitedReader); ok {
		if _, ok := lr.R.(*os.File); ok { // what net's sendfile knows
			s.files++
		}
	}
	n, err := io.Copy(io.Discard, r)
	return n, errors.Join(err, s.err)
}

func TestFilesReachSendfile(t *testing.T) {
	const size = 2*Piece + 10
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := &spy{}
	if n, err := (File{File: f, Offset: 5}).SendTo(s, Span{0, size - 5}); err != nil || n != size-5 || s.files != 3 || s.pieces != 3 {
		t.Errorf("%v, %d of %d pieces as a file, %d bytes", err, s.files, s.pieces, n)
	}
	if n, err := (File{File: f}).SendTo(s, Span{0, size + 5}); err != ErrShort || n != size {
		t.Errorf("a file that has become shorter: %d, %v", n, err)
	}
	if _, err := f.Seek(3, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	s = &spy{}
	if n, err := (File{File: f, Offset: 1, SharedPosition: true}).SendTo(s, Span{2, 9}); err != nil || n != 9 || s.files != 0 {
		t.Errorf("%d, %v, as a file: %d", n, err, s.files)
	}
	if at, _ := f.Seek(0, io.SeekCurrent); at != 3 {
		t.Errorf("the position of a shared file was moved to %d", at)
	}
	if _, err := (File{File: f}).SendTo(&spy{err: io.ErrClosedPipe}, Span{0, 1}); !errors.Is(err, httpx.ErrClientGone) {
		t.Errorf("a client that disconnected: %v", err)
	}
	f.Close()
	var pe *fs.PathError
	if _, err := (File{File: f, SharedPosition: true}).SendTo(&spy{}, Span{0, 1}); !errors.As(err, &pe) || errors.Is(err, httpx.ErrClientGone) {
		t.Errorf("a file that cannot be read: %v", err)
	}
}

func TestWriteParts(t *testing.T) {
	data := "0123456789"
	for _, kind := range []string{"text/plain", ""} {
		for _, spans := range [][]Span{{{2, 3}}, {{0, 1}, {5, 2}, {9, 1}}} {
			w := httptest.NewRecorder()
			lasts := 0
			err := WriteParts(w, kind, 10, spans, func(s Span, last bool) error {
				if last {
					lasts++
				}
				_, err := io.WriteString(w, data[s.Start:s.Start+s.Length])
				return err
			})
			if err != nil || lasts != 1 || w.Code != 206 || w.Header().Get("Content-Length") != strconv.Itoa(w.Body.Len()) {
				t.Errorf("%v: %v, %d last parts, %d, %v of %d bytes", spans, err, lasts, w.Code, w.Header(), w.Body.Len())
			}
			if len(spans) == 1 {
				if w.Header().Get("Content-Range") != "bytes 2-4/10" || w.Body.String() != "234" {
					t.Errorf("%v %q", w.Header(), w.Body)
				}
				continue
			}
			_, params, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
			if err != nil || !strings.HasPrefix(w.Body.String(), "--"+params["boundary"]) {
				t.Errorf("%v: %v", w.Header(), err)
			}
			parts := multipart.NewReader(w.Body, params["boundary"])
			for _, s := range spans {
				p, err := parts.NextRawPart()
				if err != nil {
					t.Fatal(err)
				}
				text, _ := io.ReadAll(p)
				if string(text) != data[s.Start:s.Start+s.Length] || p.Header.Get("Content-Range") != s.ContentRange(10) || p.Header.Get("Content-Type") != kind {
					t.Errorf("%v: %q %v", s, text, p.Header)
				}
			}
			if _, err := parts.NextRawPart(); err != io.EOF {
				t.Error(err)
			}
		}
	}
	failed := errors.New("failed")
	if err := WriteParts(httptest.NewRecorder(), "", 10, []Span{{0, 1}, {3, 1}}, func(Span, bool) error { return failed }); err != failed {
		t.Error(err)
	}
}
