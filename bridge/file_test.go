package bridge

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// spy notes what comes in one call of ReadFrom.
type spy struct {
	*httptest.ResponseRecorder
	files, pieces int
}

func (s *spy) ReadFrom(r io.Reader) (int64, error) {
	s.pieces++
	if lr, ok := r.(*io.LimitedReader); ok {
		if _, ok := lr.R.(*os.File); ok { // what net's sendfile knows
			s.files++
		}
	}
	return io.Copy(io.Discard, r)
}

func TestFilesReachSendfile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	const size = 2*filePiece + 10
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := &spy{ResponseRecorder: httptest.NewRecorder()}
	w := new(httpx.Writer)
	w.Reset(s)
	x := &turn{Handler: New(Options{}), w: w, r: httptest.NewRequest(http.MethodGet, "/", nil), note: &w.Note}
	if err := x.copyFile(content{file: f, offset: 5, size: size - 5}, span{0, size - 5}); err != nil || s.files != 3 || s.pieces != 3 || w.Bytes() != size-5 {
		t.Errorf("%v, %d of %d pieces as a file, %d octets", err, s.files, s.pieces, w.Bytes())
	}
	if err := x.copyFile(content{file: f, size: size + 5}, span{0, size + 5}); err != errShort {
		t.Errorf("a file that has shrunk: %v", err)
	}
	shared := content{file: f, offset: 1, size: 9, shared: true}
	if _, err := f.Seek(3, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if err := x.copyFile(shared, span{0, 9}); err != nil {
		t.Error(err)
	}
	if at, _ := f.Seek(0, io.SeekCurrent); at != 3 {
		t.Errorf("the worker's position was moved to %d", at)
	}
}

func FuzzRange(f *testing.F) {
	for _, s := range []string{"bytes=0-1", "bytes=-5", "bytes=1-,3-4", "bytes=99999999999999999999-", "bytes=--1", "=", "bytes=1-0"} {
		f.Add(s, int64(100))
	}
	f.Fuzz(func(t *testing.T, field string, size int64) {
		if size < 0 {
			return
		}
		spans, _ := parseRange(field, size)
		sum := int64(0)
		for _, s := range spans {
			if s.start < 0 || s.length <= 0 || s.start+s.length > size {
				t.Errorf("%+v of %d", s, size)
			}
			sum += s.length
		}
		if sum > size || len(spans) > maxSpans {
			t.Errorf("%d octets of %d in %d parts", sum, size, len(spans))
		}
	})
}

func TestConditions(t *testing.T) {
	v := validators{etag: `"a,b"`}
	for list, want := range map[string][2]bool{`"a,b"`: {true, true}, `W/"a,b"`: {false, true}, `"x", "a,b"`: {true, true}, `*`: {true, true}, `"a`: {false, false}, `"c"`: {false, false}} {
		if v.matches([]string{list}, true) != want[0] || v.matches([]string{list}, false) != want[1] {
			t.Errorf("%s", list)
		}
	}
}
