package output

import (
	"io"
	"strings"
	"time"
)

const (
	// maxRecord bounds one record of output, and a Tail, in bytes.
	maxRecord = 64 << 10
	// pause is how long a record waits for a line that may belong to it, and a line for its end.
	pause = 50 * time.Millisecond
	// chainPause is how long a complete traceback waits for that of the next exception of the chain.
	chainPause = 250 * time.Millisecond
	// unfinishedPause is how long a traceback waits for its next line. A process on a busy machine, or one that has used up its
	// share of the processor, stands still for longer than pause.
	unfinishedPause = time.Second
)

// SoleFor is how long a request must have been the only one in flight at its worker before output without a tag is taken for
// its own: output is read a moment after it was written, and a wrong id is worse than none.
const SoleFor = 50 * time.Millisecond

// Fatal is the start of what CPython and faulthandler print when a process crashes.
const Fatal = "Fatal Python error"

// Read reads r to its end, passes its records to record, and closes r. A record is one line, or the lines of a traceback with
// the line before it. It comes with the id of the request that it belongs to (empty: none) and with the level that Python's
// logging gave it (empty: none). A record is complete when the next record of its request begins, or when nothing was added
// to it for a short while, which is longer when the end of a traceback is missing. sole returns the request that output without a
// tag belongs to.
func Read(r io.ReadCloser, tag string, sole func() string, record func(id, level, text string)) {
	defer r.Close()
	type chunk struct {
		b  []byte
		id string // of what has no tag
	}
	chunks := make(chan chunk)
	go func() { // ends with r; Read waits for the close of chunks
		defer close(chunks)
		buf := make([]byte, 8<<10) // one for each worker, and most workers print little
		for {
			n, err := r.Read(buf)
			if n > 0 {
				chunks <- chunk{append([]byte(nil), buf[:n]...), sole()}
			}
			if err != nil {
				return
			}
		}
	}()
	s := newSplitter(tag, record)
	quiet := time.NewTimer(pause)
	defer quiet.Stop()
	for {
		if at := s.due(); at.IsZero() {
			quiet.Stop()
		} else {
			quiet.Reset(time.Until(at))
		}
		c, ok := chunk{}, true
		select {
		case c, ok = <-chunks:
		case <-quiet.C:
			select {
			case c, ok = <-chunks: // this goroutine was late, not the output
			default:
			}
		}
		if !ok {
			s.finish()
			return
		}
		now := time.Now()
		if len(c.b) > 0 {
			s.write(c.b, c.id, now)
		}
		s.flush(now) // also the output of a quiet request while other requests print
	}
}

// Split passes the records of p to record. p has no tags, and no output follows it.
func Split(p []byte, record func(text string)) {
	g := grouper{record: func(_, text string) { record(text) }}
	g.write(p)
	g.flush()
}

// Tail keeps the last bytes of the texts that are added to it.
type Tail struct{ b []byte }

// Add appends a text and a newline.
func (t *Tail) Add(s string) {
	t.b = append(append(t.b, s...), '\n')
	if n := len(t.b) - maxRecord; n > 0 {
		t.b = append(t.b[:0], t.b[n:]...)
	}
}

// Empty reports whether nothing was added.
func (t *Tail) Empty() bool { return len(t.b) == 0 }

// String returns what was kept, without the newlines at its end.
func (t *Tail) String() string { return strings.TrimRight(string(t.b), "\n") }
