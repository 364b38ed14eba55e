package supervisor

import (
	"io"
	"time"
)

const (
	// maxRecord bounds one record of output, and what is kept of the output of a
	// worker that is not ready yet.
	maxRecord = 64 << 10
	// pause is how long a record waits for a line that may belong to it, and a line
	// for its end.
	pause = 50 * time.Millisecond
	// alone is how long a request must have been the only one in flight at its
	// worker for raw output to be taken for its own: output is read a moment after
	// it was written, and a wrong id is worse than none.
	alone = 50 * time.Millisecond
)

// readOutput reads r to its end and hands on records: a line, or the lines of a
// traceback with the line before it, with the id of the request that they belong
// to (empty: none). A record is handed on when the next one of its request
// begins, or when nothing came for it for a short while. level is what logging said
// of it; empty: nothing. sole is asked for the
// request to which raw output belongs. readOutput closes r.
func readOutput(r io.ReadCloser, tag string, sole func() string, record func(id, level, text string)) {
	defer r.Close()
	type chunk struct {
		b  []byte
		id string // of what has no tag
	}
	chunks := make(chan chunk)
	go func() { // ends with r; readOutput waits for the close of chunks
		defer close(chunks)
		buf := make([]byte, 8<<10) // of each worker, most of which print little
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
		select {
		case c, ok := <-chunks:
			if !ok {
				s.finish()
				return
			}
			now := time.Now()
			s.write(c.b, c.id, now)
			s.flush(now) // of a request that is quiet while others are not
		case now := <-quiet.C:
			s.flush(now)
		}
	}
}

// tail keeps the last octets of what is written to it.
type tail struct{ b []byte }

func (t *tail) add(s string) {
	t.b = append(append(t.b, s...), '\n')
	if n := len(t.b) - maxRecord; n > 0 {
		t.b = append(t.b[:0], t.b[n:]...)
	}
}
