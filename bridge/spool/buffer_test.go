package spool

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

func TestBufferSpillsBeyondMemory(t *testing.T) {
	dir := t.TempDir()
	for _, memory := range []int{1000, 200_000} {
		testSpill(t, &Spool{Dir: dir, Memory: memory}, dir)
	}
}

func testSpill(t *testing.T, s *Spool, dir string) {
	testSpillFrom(t, s, dir, iotest.HalfReader)
	testSpillFrom(t, s, dir, iotest.DataErrReader) // the end comes with the last bytes, as from net/http
}

func testSpillFrom(t *testing.T, s *Spool, dir string, from func(io.Reader) io.Reader) {
	for _, size := range []int{0, 1, 999, 1000, 1001, 2500, 100_000, 199_999, 200_000, 200_001, 500_000} {
		want := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
		b := s.Take(netip.Prefix{})
		if err := b.Fill(from(bytes.NewReader(want))); err != nil {
			t.Fatal(err)
		}
		mem, inMemory := b.Memory()
		if inMemory != (size <= s.Memory) || b.Size() != int64(size) || inMemory && !bytes.Equal(mem, want) {
			t.Errorf("size %d: in memory %v, Size %d", size, inMemory, b.Size())
		}
		if got, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size())); err != nil || !bytes.Equal(got, want) {
			t.Errorf("size %d: read %d bytes, %v", size, len(got), err)
		}
		if !inMemory && s.Used() != int64(size) {
			t.Errorf("size %d: used %d", size, s.Used())
		}
		if onDisk, err := os.ReadFile(b.Path()); !inMemory && (err != nil || !bytes.Equal(onDisk, want)) {
			t.Errorf("size %d: the file %q holds %d bytes, %v", size, b.Path(), len(onDisk), err)
		}
		if st, err := os.Stat(b.Path()); !inMemory && (err != nil || st.Mode() != 0o600) {
			t.Errorf("size %d: %v, %v", size, st, err)
		}
		b.Close()
		b.Close()
		if left, _ := os.ReadDir(dir); len(left) != 0 || b.Path() != "" {
			t.Errorf("size %d: left after Close: %v, %q", size, left, b.Path())
		}
		if s.Used() != 0 {
			t.Errorf("size %d: used %d after Close", size, s.Used())
		}
	}
}

func TestBufferLimits(t *testing.T) {
	s := &Spool{Dir: t.TempDir(), Memory: 10, Files: Budget{Total: 100}}
	b, c := s.Take(netip.Prefix{}), s.Take(netip.Prefix{})
	defer c.Close()
	if err := b.Fill(strings.NewReader(strings.Repeat("x", 80))); err != nil {
		t.Errorf("within the total: %v", err)
	}
	if err := c.Fill(strings.NewReader(strings.Repeat("x", 80))); !errors.Is(err, ErrFull) {
		t.Errorf("beyond the total: %v", err)
	}
	b.Close()
	c.Close()
	if s.Used() != 0 {
		t.Errorf("used %d after Close", s.Used())
	}
	d := (&Spool{Dir: filepath.Join(t.TempDir(), "absent"), Memory: 10}).Take(netip.Prefix{})
	defer d.Close()
	err := d.Fill(strings.NewReader(strings.Repeat("x", 80)))
	if err != nil && !errors.Is(err, ErrFull) {
		t.Errorf("no folder: %v", err)
	}
	if f, merr := memoryFile(); merr == nil {
		f.Close()
		if err != nil || d.Size() != 80 {
			t.Errorf("no folder, but memory files: %v", err)
		}
	}
}
