package accesslog

import (
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

const (
	delay         = 100 * time.Millisecond // how late a line may be
	terminalDelay = 10 * time.Millisecond  // other records are between the lines
	bufferSize    = 64 << 10               // bytes; beyond it the request that fills it writes
)

// Log writes one line per request. Lines are gathered and written at most
// 100 ms later. Its methods may be called from any goroutine.
//
// The only goroutine is the timer's, which runs flush; Close waits for it.
type Log struct {
	open   func() (io.WriteCloser, error)
	format Format
	// terminal is where a log of the form Short is read.
	terminal Terminal
	delay    time.Duration
	failed   func(error)

	lines sync.Pool // *[]byte, one line
	stamp atomic.Pointer[stamp]

	mu    sync.Mutex // guards buf, armed
	buf   []byte
	armed bool
	timer *time.Timer

	writing sync.Mutex // guards out, spare; taken before mu
	out     io.WriteCloser
	spare   []byte
}

// New opens the log. Reopen calls open again. failed is called for writes that did not
// succeed; nil: it is not.
func New(open func() (io.WriteCloser, error), format Format, failed func(error)) (*Log, error) {
	out, err := open()
	if err != nil {
		return nil, err
	}
	if failed == nil {
		failed = func(error) {}
	}
	l := &Log{open: open, format: format, delay: delay, failed: failed, out: out}
	l.timer = time.AfterFunc(time.Hour, l.flush)
	l.timer.Stop()
	return l, nil
}

// For says where a log of the form Short is read. It is called before the first request.
func (l *Log) For(t Terminal) { l.terminal, l.delay = t, terminalDelay }

// Request writes the line for a request that is answered.
func (l *Log) Request(rec *httpx.Writer, r *http.Request, now time.Time) {
	line, ok := l.lines.Get().(*[]byte)
	if !ok {
		line = new([]byte)
	}
	b := (*line)[:0]
	switch l.format {
	case JSON:
		b = l.appendJSONLine(b, rec, r, now)
	case Short:
		b = l.appendShort(b, rec, r, now)
	default:
		b = l.appendCombined(b, rec, r, now)
	}
	l.add(b)
	if cap(b) <= bufferSize {
		*line = b
		l.lines.Put(line)
	}
}

func (l *Log) add(b []byte) {
	l.mu.Lock()
	l.buf = append(l.buf, b...)
	full := len(l.buf) >= bufferSize
	if !full && !l.armed {
		l.armed = true
		l.timer.Reset(l.delay)
	}
	l.mu.Unlock()
	if full {
		l.flush()
	}
}

func (l *Log) flush() {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.flushLocked()
}

func (l *Log) flushLocked() {
	l.mu.Lock()
	b := l.buf
	l.buf = l.spare[:0]
	l.armed = false
	l.mu.Unlock()
	l.spare = b
	if len(b) == 0 || l.out == nil {
		return
	}
	if _, err := l.out.Write(b); err != nil {
		l.failed(err)
	}
}

// Reopen writes what is gathered and opens the log again, after its file was renamed. When
// that fails, the log continues in the old file.
func (l *Log) Reopen() error {
	out, err := l.open()
	if err != nil {
		return err
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	l.flushLocked()
	if l.out == nil {
		return out.Close()
	}
	old := l.out
	l.out = out
	return old.Close()
}

// Close writes what is gathered and closes the log. Later lines are lost.
func (l *Log) Close() error {
	l.timer.Stop()
	l.writing.Lock()
	defer l.writing.Unlock()
	l.flushLocked()
	if l.out == nil {
		return nil
	}
	err := l.out.Close()
	l.out = nil
	return err
}
