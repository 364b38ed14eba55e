package static

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/content"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// largeSize does not fit into the sockets' buffers: the server still sends when the
// client has its first bytes.
const largeSize = 24 << 20

// begin reads the head of an answer and its first bytes.
func (rg *rig) begin(target string) (*http.Response, net.Conn) {
	rg.t.Helper()
	c, err := net.Dial("tcp", rg.addr)
	if err != nil {
		rg.t.Fatal(err)
	}
	rg.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", target)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		rg.t.Fatal(err)
	}
	return resp, c
}

func TestFileChangesWhileItIsSent(t *testing.T) {
	data := strings.Repeat("old-", largeSize/4)
	for _, c := range []struct {
		name  string
		whole bool
		do    func(path string) error
	}{
		{"nothing", true, func(string) error { return nil }},
		{"replaced by rename", true, func(path string) error {
			if err := os.WriteFile(path+".new", bytes.Repeat([]byte("new-"), largeSize/4), 0o644); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		}},
		{"deleted", true, os.Remove},
		{"truncated", false, func(path string) error { return os.Truncate(path, largeSize/2) }},
		{"truncated by an byte", false, func(path string) error { return os.Truncate(path, largeSize-1) }},
		{"rewritten in place", false, func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteAt([]byte("new-"), largeSize-4)
			return err
		}},
		{"rewritten in place, time put back", false, func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			before, err := f.Stat()
			if err != nil {
				return err
			}
			if _, err = f.WriteAt([]byte("new-"), largeSize-4); err != nil {
				return err
			}
			return setTime(path, old, before)
		}},
		{"appended to", false, func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteString("more")
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rg := newRig(t, Options{}, nil)
			path := filepath.Join(rg.dir, "large.bin")
			rg.write("large.bin", data)
			resp, _ := rg.begin("/static/large.bin")
			first := make([]byte, 4)
			if _, err := io.ReadFull(resp.Body, first); err != nil {
				t.Fatal(err)
			}
			if err := c.do(path); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(resp.Body)
			got := string(first) + string(rest)
			if whole := err == nil; whole != c.whole {
				t.Fatalf("whole: %v (%v), %d of %d bytes", whole, err, len(got), resp.ContentLength)
			}
			if c.whole && got != data {
				t.Error("not the old content")
			}
			if !c.whole && int64(len(got)) > resp.ContentLength-heldBack {
				t.Errorf("%d bytes of %d went out: the end was not held back", len(got), resp.ContentLength)
			}
			if cut := strings.Contains(rg.log.String(), "static_cut"); cut == c.whole {
				t.Errorf("static_cut: %v\n%s", cut, rg.log)
			}
		})
	}
}

// A small file is read at once: what is written to it while it is sent does not mix.
func TestSmallFileIsOneLook(t *testing.T) {
	rg := newRig(t, Options{}, nil)
	rg.write("a.txt", "one")
	if a := rg.get("/static/a.txt"); a.text != "one" {
		t.Fatal(a.text)
	}
	rg.write("a.txt", "two!")
	if a := rg.get("/static/a.txt"); a.text != "one" && a.text != "two!" {
		t.Errorf("%q", a.text)
	}
	rg.age()
	if a := rg.get("/static/a.txt"); a.text != "two!" || a.ContentLength != 4 {
		t.Errorf("%q", a.text)
	}
	if err := os.Remove(filepath.Join(rg.dir, "a.txt")); err != nil {
		t.Fatal(err)
	}
	rg.age()
	if a := rg.get("/static/a.txt"); a.StatusCode != 404 {
		t.Errorf("deleted: %d", a.StatusCode)
	}
}

// Between two looks a large file may be replaced by a shorter one: what is told and
// what is sent belong together.
func TestLargeFileReplacedBetweenLooks(t *testing.T) {
	rg := newRig(t, Options{}, nil)
	for i, size := range []int{100 << 10, 90 << 10, 200 << 10} {
		data := strings.Repeat(fmt.Sprint(i), size)
		rg.write("x.bin", data)
		if i == 1 { // in place: a descriptor that waits is of the same file
			if err := os.Remove(filepath.Join(rg.dir, "x.bin")); err != nil {
				t.Fatal(err)
			}
			rg.write("x.bin", data)
		}
		a := rg.get("/static/x.bin")
		if a.err != nil || int64(len(a.text)) != a.ContentLength || strings.Trim(a.text, a.text[:1]) != "" {
			t.Errorf("%d: %d bytes, told %d, %v", i, len(a.text), a.ContentLength, a.err)
		}
		rg.age()
		if a := rg.get("/static/x.bin"); a.text != data {
			t.Errorf("%d: %d bytes", i, len(a.text))
		}
	}
}

func TestRangesOfLargeFiles(t *testing.T) {
	rg := newRig(t, Options{}, nil)
	data := strings.Repeat("0123456789", 20000)
	rg.write("x.bin", data)
	for _, c := range [][2]int{{0, 9}, {70000, 99999}, {199990, 199999}, {5, 199999}} {
		a := rg.get("/static/x.bin", "Range", fmt.Sprintf("bytes=%d-%d", c[0], c[1]))
		if a.StatusCode != 206 || a.text != data[c[0]:c[1]+1] {
			t.Errorf("%v: %d, %d bytes", c, a.StatusCode, len(a.text))
		}
	}
	a := rg.get("/static/x.bin", "Range", "bytes=100-199,50000-79999,-10")
	for _, part := range []string{data[100:200], data[50000:80000], data[199990:], "Content-Range: bytes 50000-79999/200000"} {
		if !strings.Contains(a.text, part) {
			t.Error("a part is missing")
		}
	}
	if a.StatusCode != 206 || a.err != nil || int64(len(a.text)) != a.ContentLength {
		t.Errorf("%d, %d bytes, told %d, %v", a.StatusCode, len(a.text), a.ContentLength, a.err)
	}
}

// spy notes what net/http would have handed to sendfile(2).
type spy struct {
	*httptest.ResponseRecorder
	files int
}

func (s *spy) ReadFrom(r io.Reader) (int64, error) {
	if lr, ok := r.(*io.LimitedReader); ok {
		if _, ok := lr.R.(*os.File); ok {
			s.files++
		}
	}
	return io.Copy(s.ResponseRecorder, r)
}

func TestLargeFilesReachSendfile(t *testing.T) {
	rg := newRig(t, Options{}, nil)
	data := strings.Repeat("x", content.Piece+100<<10)
	rg.write("x.bin", data)
	for range 2 { // the second time with a descriptor that has waited
		s := &spy{ResponseRecorder: httptest.NewRecorder()}
		w := new(httpx.Writer)
		w.Reset(s)
		rg.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/static/x.bin", nil))
		if s.files != 2 || s.Body.String() != data || w.Info.Source != "static" {
			t.Errorf("%d pieces as a file, %d bytes", s.files, s.Body.Len())
		}
	}
}
