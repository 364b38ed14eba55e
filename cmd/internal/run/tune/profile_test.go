package tune

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestProfile(t *testing.T) {
	t.Setenv("STANDPIPE_CPUPROFILE", "")
	end, err := Profile()
	if err != nil {
		t.Fatal(err)
	}
	end()
	name := filepath.Join(t.TempDir(), "cpu")
	t.Setenv("STANDPIPE_CPUPROFILE", name)
	if end, err = Profile(); err != nil {
		t.Fatal(err)
	}
	end()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := io.ReadAll(z); err != nil || len(p) == 0 {
		t.Errorf("%d bytes, %v", len(p), err)
	}
	t.Setenv("STANDPIPE_CPUPROFILE", filepath.Join(name, "under-a-file"))
	if _, err := Profile(); err == nil {
		t.Error("a file that cannot be made is no error")
	}
}
