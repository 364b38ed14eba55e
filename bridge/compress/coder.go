package compress

import (
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Codings are the content codings that there are, in order of preference.
var Codings = []string{"br", "zstd", "gzip"}

// Level is how much work compression may be.
type Level int

// The levels.
const (
	Quick    Level = iota // while an answer goes out
	Thorough              // once for a file that is kept
	Best                  // ahead of time
)

// coder is a writer of one coding.
type coder interface {
	io.WriteCloser
	Flush() error
	Reset(io.Writer)
}

// window bounds what a zstd decoder needs; bytes (RFC 9659 3).
const window = 8 << 20

func newCoder(coding string, level Level) (coder, error) {
	switch coding {
	case "br":
		return brotli.NewWriterLevel(nil, [...]int{4, 5, 11}[level]), nil
	case "gzip":
		return gzip.NewWriterLevel(nil, [...]int{5, 6, 9}[level])
	case "zstd":
		speed := [...]zstd.EncoderLevel{zstd.SpeedFastest, zstd.SpeedDefault, zstd.SpeedBestCompression}[level]
		size := [...]int{1 << 20, window, window}[level]
		return zstd.NewWriter(nil, zstd.WithEncoderLevel(speed), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(size), zstd.WithLowerEncoderMem(true))
	}
	return nil, fmt.Errorf("there is no coding %q", coding)
}

// coders keeps writers of one level for the next answer: a new one takes up to a MiB.
type coders struct {
	level Level
	pools [3]sync.Pool
}

// get returns a stream in a coding, which writes to w.
func (c *coders) get(coding string, w io.Writer) (*stream, error) {
	i := slices.Index(Codings, coding)
	if i < 0 {
		return nil, fmt.Errorf("there is no coding %q", coding)
	}
	s, ok := c.pools[i].Get().(*stream)
	if !ok {
		z, err := newCoder(coding, c.level)
		if err != nil {
			return nil, err
		}
		s = &stream{level: c.level, pool: &c.pools[i], z: z}
		if coding == "br" && c.level != Best {
			s.stretch = brotliStretch
		}
	}
	s.z.Reset(&s.out)
	s.w, s.since = w, 0
	return s, nil
}
