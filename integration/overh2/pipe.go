package overh2

import (
	"os"
	"sync"
	"time"
)

// pipe is a buffer with one writer and one reader. Its limit bounds what write leaves in it; 0: no bound.
type pipe struct {
	limit int

	mu       sync.Mutex
	changed  *sync.Cond
	buf      []byte
	err      error // what the reader gets after the last byte, and the writer at once
	deadline time.Time
	timer    *time.Timer
}

func newPipe(limit int) *pipe {
	p := &pipe{limit: limit}
	p.changed = sync.NewCond(&p.mu)
	return p
}

// late says whether the deadline has passed.
func (p *pipe) late() bool { return !p.deadline.IsZero() && !time.Now().Before(p.deadline) }

// write adds b, and waits for room. limited: the deadline counts.
func (p *pipe) write(b []byte, limited bool) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(b) > 0 {
		switch {
		case p.err != nil:
			return n, p.err
		case limited && p.late():
			return n, os.ErrDeadlineExceeded
		case p.limit > 0 && len(p.buf) >= p.limit:
			p.changed.Wait()
			continue
		}
		part := len(b)
		if p.limit > 0 {
			part = min(part, p.limit-len(p.buf))
		}
		p.buf = append(p.buf, b[:part]...)
		b, n = b[part:], n+part
		p.changed.Broadcast()
	}
	return n, nil
}

// read waits for bytes, and says how many are left. limited: the deadline counts.
func (p *pipe) read(b []byte, limited bool) (n, left int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.buf) == 0 {
		switch {
		case p.err != nil:
			return 0, 0, p.err
		case limited && p.late():
			return 0, 0, os.ErrDeadlineExceeded
		}
		p.changed.Wait()
	}
	n = copy(b, p.buf)
	p.buf = p.buf[n:]
	p.changed.Broadcast()
	return n, len(p.buf), nil
}

// end ends the pipe with err. The first one counts.
func (p *pipe) end(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
	}
	p.changed.Broadcast()
}

// setDeadline is net.Conn's, for one of its two directions.
func (p *pipe) setDeadline(t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadline = t
	if p.timer != nil {
		p.timer.Stop()
	}
	if !t.IsZero() {
		p.timer = time.AfterFunc(time.Until(t), func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.changed.Broadcast()
		})
	}
	p.changed.Broadcast()
}
