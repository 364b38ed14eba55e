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
	x := &turn{Handler: New(Options{}), w: w, r: httptest.NewRequest(http.MethodGet, "/", nil), info: &w.Info}
	if err := x.copyFile(content{file: f, offset: 5, size: size - 5}, httpx.Span{Start: 0, Length: size - 5}); err != nil || s.files != 3 || s.pieces != 3 || w.Bytes() != size-5 {
		t.Errorf("%v, %d of %d pieces as a file, %d octets", err, s.files, s.pieces, w.Bytes())
	}
	if err := x.copyFile(content{file: f, size: size + 5}, httpx.Span{Start: 0, Length: size + 5}); err != errShort {
		t.Errorf("a file that has shrunk: %v", err)
	}
	shared := content{file: f, offset: 1, size: 9, shared: true}
	if _, err := f.Seek(3, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if err := x.copyFile(shared, httpx.Span{Start: 0, Length: 9}); err != nil {
		t.Error(err)
	}
	if at, _ := f.Seek(0, io.SeekCurrent); at != 3 {
		t.Errorf("the worker's position was moved to %d", at)
	}
}
