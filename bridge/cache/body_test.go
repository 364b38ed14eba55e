package cache

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/standpipe/standpipe/bridge/content"
)

// storedBytes is a Body in a Tier, of which some bytes can be read.
type storedBytes struct {
	*bytes.Reader
	good   int64
	closed int
}

var errBadDisk = errors.New("bad disk")

func (s *storedBytes) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > s.good {
		n, _ := s.Reader.ReadAt(p[:s.good-off], off)
		return n, errBadDisk
	}
	return s.Reader.ReadAt(p, off)
}

func (s *storedBytes) SendTo(w Destination, span content.Span) (int64, error) {
	return io.Copy(w, io.NewSectionReader(s, span.Start, span.Length))
}

func (s *storedBytes) Close() error { s.closed++; return nil }

// storedTier has one answer, with a body that is to be closed.
type storedTier struct {
	slowTier
	answer *Answer
	last   *storedBytes
	good   int64
	loads  int
}

func (s *storedTier) Load(context.Context, Key) ([]*Answer, error) {
	s.loads++
	a := *s.answer
	p, _ := s.answer.Body.Memory()
	s.last = &storedBytes{Reader: bytes.NewReader(p), good: s.good}
	a.Body = StoredBody(s.last, int64(len(p)))
	return []*Answer{&a}, nil
}

// A body that fits into memory is read from its tier once. One that cannot be read, or does not fit, is not in memory.
func TestTakeIn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		size, good          int64
		inMemory, own, list int
	}{{1000, 1000, 1, 0, 1}, {1000, 999, 0, 0, 0}, {100_000, 100_000, 0, 1, 1}} {
		a := sample()
		a.Body = BytesBody(bytes.Repeat([]byte("x"), int(c.size)))
		tier := &storedTier{answer: a, good: c.good}
		cache := New(Options{Memory: 1 << 20, MaxObject: 1 << 20, Tiers: []Tier{tier}})
		list, own := cache.load(context.Background(), a.Key, nil)
		if len(list) != c.list || len(own) != c.own || tier.last.closed != 1-c.own {
			t.Errorf("%+v: %d answers, %d with open bodies, closed %d times", c, len(list), len(own), tier.last.closed)
		}
		if n := len(cache.mem.get(a.Key).Answers()); n != c.inMemory {
			t.Errorf("%+v: %d answers in memory", c, n)
		}
		for _, a := range own {
			a.Body.Close()
		}
		cache.Close()
	}
}
