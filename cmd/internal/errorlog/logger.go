package errorlog

import (
	"io"
	"log"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Options says where and how a Logger writes.
type Options struct {
	Out   io.Writer
	Level hclog.Level
	// Text: for people; otherwise JSON.
	Text bool
	// Color: the text's levels are coloured.
	Color bool
	// Priorities: each line starts with its priority, "<4>", for journald.
	Priorities bool
	// Sentence is the message of a record that has none, by its event; nil: none.
	Sentence func(event string) string
}

// Logger is an hclog.Logger whose messages are names of events. The pair "message"
// is the record's sentence; all other pairs are its fields. Its methods may be called
// from any goroutine.
type Logger struct {
	*core
	implied []any
}

// core is what loggers with different implied pairs share.
type core struct {
	o     Options
	level atomic.Int32
	now   func() time.Time

	mu  sync.Mutex // guards the writer and buf
	buf []byte
}

// New returns a Logger.
func New(o Options) *Logger {
	c := &core{o: o, now: time.Now}
	c.level.Store(int32(o.Level))
	return &Logger{core: c}
}

// Log writes a record.
func (l *Logger) Log(level hclog.Level, event string, pairs ...any) {
	// log_level is about the server's records. An app has its own: what it logs at debug
	// is shown where its prints are.
	if !l.logs(level) && (event != Output || !l.logs(max(level, hclog.Info))) {
		return
	}
	if len(l.implied) > 0 {
		pairs = slices.Concat(l.implied, pairs)
	}
	r := newRecord(l.now(), level, event, pairs)
	if r.message == "" && l.o.Sentence != nil {
		r.message, r.made = l.o.Sentence(event), true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buf[:0]
	if l.o.Text {
		b = r.text(b, l.o.Color)
	} else {
		b = r.json(b)
	}
	if l.o.Priorities {
		b = withPriority(b, level)
	}
	_, _ = l.o.Out.Write(b) // it has nobody to tell
	if cap(b) <= 64<<10 {
		l.buf = b
	}
}

func (c *core) logs(level hclog.Level) bool { return level != hclog.Off && level >= c.GetLevel() }

// GetLevel returns the lowest level that is written.
func (c *core) GetLevel() hclog.Level { return hclog.Level(c.level.Load()) }

// SetLevel changes it, for every Logger of the same log.
func (c *core) SetLevel(level hclog.Level) { c.level.Store(int32(level)) }

// The methods of hclog.Logger.

// Trace writes a record of this level.
func (l *Logger) Trace(event string, pairs ...any) { l.Log(hclog.Trace, event, pairs...) }

// Debug writes a record of this level.
func (l *Logger) Debug(event string, pairs ...any) { l.Log(hclog.Debug, event, pairs...) }

// Info writes a record of this level.
func (l *Logger) Info(event string, pairs ...any) { l.Log(hclog.Info, event, pairs...) }

// Warn writes a record of this level.
func (l *Logger) Warn(event string, pairs ...any) { l.Log(hclog.Warn, event, pairs...) }

// Error writes a record of this level.
func (l *Logger) Error(event string, pairs ...any) { l.Log(hclog.Error, event, pairs...) }

// IsTrace tells whether such records are written.
func (c *core) IsTrace() bool { return c.logs(hclog.Trace) }

// IsDebug tells whether such records are written.
func (c *core) IsDebug() bool { return c.logs(hclog.Debug) }

// IsInfo tells whether such records are written.
func (c *core) IsInfo() bool { return c.logs(hclog.Info) }

// IsWarn tells whether such records are written.
func (c *core) IsWarn() bool { return c.logs(hclog.Warn) }

// IsError tells whether such records are written.
func (c *core) IsError() bool { return c.logs(hclog.Error) }

// ImpliedArgs returns the pairs of With.
func (l *Logger) ImpliedArgs() []any { return l.implied }

// With returns a Logger whose records have these pairs too.
func (l *Logger) With(pairs ...any) hclog.Logger {
	return &Logger{core: l.core, implied: slices.Concat(l.implied, pairs)}
}

// Name is empty: an event's name needs no prefix.
func (l *Logger) Name() string { return "" }

// Named returns l.
func (l *Logger) Named(string) hclog.Logger { return l }

// ResetNamed returns l.
func (l *Logger) ResetNamed(string) hclog.Logger { return l }

// StandardLogger returns a logger for net/http and the like. Its lines are "http"
// events at the level that o forces, else at info.
func (l *Logger) StandardLogger(o *hclog.StandardLoggerOptions) *log.Logger {
	return log.New(l.StandardWriter(o), "", 0)
}

// StandardWriter is the writer of StandardLogger.
func (l *Logger) StandardWriter(o *hclog.StandardLoggerOptions) io.Writer {
	w := lineWriter{l, hclog.Info}
	if o != nil && o.ForceLevel != hclog.NoLevel {
		w.level = o.ForceLevel
	}
	return w
}

type lineWriter struct {
	l     *Logger
	level hclog.Level
}

func (w lineWriter) Write(p []byte) (int, error) {
	line := p
	if n := len(p); n > 0 && p[n-1] == '\n' {
		line = p[:n-1]
	}
	w.l.Log(w.level, "http", "error", string(line))
	return len(p), nil
}
