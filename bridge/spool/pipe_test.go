package spool

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// pass sends size bytes through p in pieces of odd lengths and compares.
func pass(t *testing.T, p *Pipe, size int, seed int64) {
	t.Helper()
	want := make([]byte, size)
	rnd := rand.New(rand.NewSource(seed))
	rnd.Read(want)
	done := make(chan error, 1)
	go func() {
		rest := want
		for len(rest) > 0 {
			n := min(len(rest), 1+rnd.Intn(1<<uint(rnd.Intn(17))))
			if err := p.Write(t.Context(), rest[:n]); err != nil {
				done <- err
				break
			}
			rest = rest[n:]
		}
		p.CloseWrite(io.EOF)
		close(done)
	}()
	h, got := sha256.New(), 0
	for {
		b, _, err := p.Next()
		if err == io.EOF {
			break
		}
		if err != nil || len(b) == 0 {
			t.Fatalf("%d bytes, %v after %d", len(b), err, got)
		}
		h.Write(b)
		got += len(b)
	}
	if err := <-done; err != nil || got != size || [32]byte(h.Sum(nil)) != sha256.Sum256(want) {
		t.Fatalf("%v; got %d bytes of %d, or others", err, got, size)
	}
}

func TestPipePassesAll(t *testing.T) {
	dir := t.TempDir()
	for i, s := range []*Pipes{
		{}, {Memory: 1}, {Memory: 1, Max: 1000}, {Memory: 1, Max: 100_000}, {Memory: 100_000, Max: 33_000}, {Total: 1, Max: 1 << 20},
		{Memory: 1, Files: Budget{Total: 5000}, Spool: &Spool{Dir: dir}}, {Memory: 1, Max: 9, Spool: &Spool{Dir: filepath.Join(dir, "absent")}},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			if s.Spool == nil {
				s.Spool = &Spool{Dir: dir}
			}
			for j, size := range []int{0, 1, 1000, 32 << 10, 33_000, 500_000, 3 << 20} {
				p := s.Open(netip.Prefix{}, func(error) {})
				pass(t, p, size, int64(j))
				p.Close()
				if s.InMemory() != 0 || s.Files.Used() != 0 {
					t.Errorf("%d bytes: %d in memory and %d in files are left", size, s.InMemory(), s.Files.Used())
				}
			}
		})
	}
}

// The writer stops at the ceilings, whatever the reader has taken before, and the
// file has no name and no more than Max bytes.
func TestPipeIsBounded(t *testing.T) {
	dir := t.TempDir()
	s := &Pipes{Spool: &Spool{Dir: dir}, Memory: 2 * blockSize, Max: 100_000}
	synctest.Test(t, func(t *testing.T) {
		p := s.Open(netip.Prefix{}, func(err error) { t.Error(err) })
		defer p.Close()
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		written := 0
		wg.Go(func() {
			for p.Write(ctx, make([]byte, 1000)) == nil {
				written += 1000
			}
		})
		taken := 0
		for range 20 {
			synctest.Wait() // the writer waits for room
			if kept := int64(written - taken); kept+1000 < s.Max || kept > s.Max+s.Memory || s.InMemory() > s.Memory+blockSize || s.Files.Used() > s.Max {
				t.Fatalf("%d bytes wait, %d in memory, %d in the file", kept, s.InMemory(), s.Files.Used())
			}
			if st, err := p.file.Stat(); err != nil || st.Size() > s.Max || st.Mode().Perm() != 0o600 {
				t.Fatalf("%v %v", st, err)
			}
			b, more, err := p.Next()
			if !more || err != nil {
				t.Fatalf("%v %v", more, err)
			}
			taken += len(b)
		}
		cancel()
		wg.Wait()
	})
	if left, _ := os.ReadDir(dir); len(left) != 0 || s.Files.Used() != 0 || s.InMemory() != 0 {
		t.Errorf("%v is left, %d, %d", left, s.Files.Used(), s.InMemory())
	}
}

// All Pipes share one total, and one that has nothing is never without memory.
func TestPipesShareMemory(t *testing.T) {
	s := &Pipes{Spool: &Spool{Dir: t.TempDir()}, Memory: 1 << 20, Total: 4 * blockSize}
	var list []*Pipe
	for range 6 {
		p := s.Open(netip.Prefix{}, func(err error) { t.Error(err) })
		if err := p.Write(t.Context(), make([]byte, 10*blockSize)); err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	if s.InMemory() != 9*blockSize { // four, and one for each of the five others
		t.Errorf("%d blocks", s.InMemory()/blockSize)
	}
	for _, p := range list {
		p.Close()
	}
	if s.InMemory() != 0 || s.Files.Used() != 0 {
		t.Errorf("%d, %d", s.InMemory(), s.Files.Used())
	}
}

func TestPipeGivesTheFileBack(t *testing.T) {
	s := &Pipes{Spool: &Spool{Dir: t.TempDir()}, Memory: 1}
	p := s.Open(netip.Prefix{}, func(err error) { t.Error(err) })
	defer p.Close()
	const n = 1 << 20
	for range 3 {
		if err := p.Write(t.Context(), make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		if used := s.Files.Used(); used < n-blockSize || used > n-blockSize+1 { // the "x" may hold its place still
			t.Fatalf("%d bytes in the file", used)
		}
		more := true
		for got := 0; got < n; {
			b, m, err := p.Next()
			if err != nil || !more {
				t.Fatal(more, err)
			}
			got, more = got+len(b), m
		}
		if more {
			t.Error("more than there is")
		}
		if err := p.Write(t.Context(), []byte("x")); err != nil || s.Files.Used() != 0 {
			t.Fatalf("%v, %d bytes in the file", err, s.Files.Used())
		}
		if b, more, err := p.Next(); string(b) != "x" || more || err != nil {
			t.Fatalf("%q %v %v", b, more, err)
		}
	}
}

// The error comes after the last byte.
func TestPipeEndsWithTheWritersError(t *testing.T) {
	s := &Pipes{Spool: &Spool{Dir: t.TempDir()}, Memory: 1}
	p := s.Open(netip.Prefix{}, nil)
	defer p.Close()
	if err := p.Write(t.Context(), []byte(strings.Repeat("x", 100_000))); err != nil {
		t.Fatal(err)
	}
	sad := errors.New("sad")
	p.CloseWrite(sad)
	for got := 0; ; {
		b, _, err := p.Next()
		if err != nil {
			if err != sad || got != 100_000 {
				t.Errorf("%v after %d", err, got)
			}
			return
		}
		got += len(b)
	}
}

func BenchmarkPipe(b *testing.B) {
	for name, s := range map[string]*Pipes{"memory": {Memory: 256 << 10, Max: 256 << 20}, "file": {Memory: 1, Max: 256 << 20}} {
		b.Run(name, func(b *testing.B) {
			s.Spool = &Spool{Dir: b.TempDir()}
			p := s.Open(netip.Prefix{}, func(err error) { b.Error(err) })
			defer p.Close()
			chunk := make([]byte, 64<<10)
			b.SetBytes(int64(len(chunk)))
			b.ReportAllocs()
			go func() {
				for range b.N {
					_ = p.Write(context.Background(), chunk)
				}
				p.CloseWrite(io.EOF)
			}()
			for {
				if _, _, err := p.Next(); err != nil {
					break
				}
			}
		})
	}
}

// A Pipe holds room in Files ahead of its bytes, so that many of them do not wait for each other at each write: not more than
// mostAhead, nothing that the limits do not have, and nothing beyond its bytes when no more come.
func TestPipesHoldRoomAhead(t *testing.T) {
	s := &Pipes{Spool: &Spool{Dir: t.TempDir()}, Memory: 1, Files: Budget{Name: "x", Total: 4<<20 + 100}}
	p := s.Open(netip.Prefix{}, func(err error) { t.Error(err) })
	part, changes, used := make([]byte, 32<<10), 0, int64(0)
	for n := blockSize; n < 4<<20+blockSize; n += int64(len(part)) {
		if err := p.Write(t.Context(), part); err != nil {
			t.Fatal(err)
		}
		now := s.Files.Used()
		if now > p.size+mostAhead || now < p.size {
			t.Fatalf("%d bytes are held for %d", now, p.size)
		}
		if now != used {
			changes++
		}
		used = now
	}
	if changes > 20 {
		t.Errorf("%d changes", changes)
	}
	if p.CloseWrite(io.EOF); s.Files.Used() != p.size {
		t.Errorf("%d bytes are held for %d that wait", s.Files.Used(), p.size)
	}
	if p.Close(); s.Files.Used() != 0 {
		t.Errorf("%d bytes are left", s.Files.Used())
	}
}
