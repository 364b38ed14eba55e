package static

import (
	"path/filepath"
	"syscall"
	"testing"
)

// A name that is no regular file blocks no request.
func TestSpecialFiles(t *testing.T) {
	rg := newRig(t, Options{}, nil)
	if err := syscall.Mkfifo(filepath.Join(rg.dir, "pipe.css"), 0o644); err != nil {
		t.Fatal(err)
	}
	rg.write("a.css", "a")
	if err := syscall.Mkfifo(filepath.Join(rg.dir, "a.css.gz"), 0o644); err != nil {
		t.Fatal(err)
	}
	if a := rg.get("/static/pipe.css"); a.StatusCode != 404 {
		t.Errorf("a pipe: %d", a.StatusCode)
	}
	if a := rg.get("/static/a.css", "Accept-Encoding", "gzip"); a.text != "a" {
		t.Errorf("a sibling that is a pipe: %q", a.text)
	}
}
