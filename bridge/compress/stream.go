package compress

import (
	"bytes"
	"io"
	"sync"

	"github.com/standpipe/standpipe/bridge/cpu"
)

// stream compresses one content. It computes with a slot of package cpu, a slice at a time,
// into memory; what has come of a slice is written without one, because w may wait for a
// client.
type stream struct {
	level   Level
	pool    *sync.Pool
	z       coder
	stretch int          // z is flushed after so many bytes; 0: it writes what it has by itself
	since   int          // bytes since the last Flush
	out     bytes.Buffer // where z writes to
	w       io.Writer
}

// batch is how much of an answer is written at a time, unless it is flushed: a write wakes the
// client, which takes time from other requests. Bytes.
const batch = 32 << 10

// brotliStretch bounds what the br coder collects: it writes only when it has found all matches
// of up to 16 MiB. The result becomes a thousandth larger. Bytes.
const brotliStretch = 256 << 10

// mostKept is the largest out that is kept for the next content; bytes.
const mostKept = 256 << 10

// Write compresses b.
func (s *stream) Write(b []byte) (n int, err error) {
	for n < len(b) {
		part := b[n:min(n+cpu.Slice, len(b))]
		if err := s.step(batch, func() error { _, err := s.z.Write(part); return err }); err != nil {
			return n, err
		}
		n += len(part)
		if s.since += len(part); s.stretch > 0 && s.since >= s.stretch {
			if err := s.Flush(); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// Flush writes all that belongs to what was compressed so far.
func (s *stream) Flush() error {
	s.since = 0
	return s.step(1, s.z.Flush)
}

// Close writes the end.
func (s *stream) Close() error { return s.step(1, s.z.Close) }

// step writes what is there after compute, if it is least bytes or more.
func (s *stream) step(least int, compute func() error) error {
	if err := s.compute(compute); err != nil || s.out.Len() < least {
		return err
	}
	_, err := s.w.Write(s.out.Bytes())
	s.out.Reset()
	return err
}

// compute has a slot meanwhile. At the level Best it needs none: no server compresses ahead
// of time.
func (s *stream) compute(f func() error) error {
	if s.level != Best {
		defer cpu.Slot()()
	}
	return f()
}

// free keeps s for the next content. It must not be used any more.
func (s *stream) free() {
	s.w = nil
	s.out.Reset()
	if s.out.Cap() > mostKept {
		s.out = bytes.Buffer{}
	}
	s.pool.Put(s)
}
