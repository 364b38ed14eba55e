package errorlog

import (
	"io"
	"log"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Options are the writer and the format of a Logger.
type Options struct {
	Out   io.Writer
	Level hclog.Level
	// Text: the format for people; otherwise JSON.
	Text bool
	// Color: the text's levels are coloured.
	Color bool
	// Terminal: a person reads the text at a terminal, where the app's frames of a traceback come first.
	Terminal bool
	// Priorities: each line starts with its priority, "<4>", for journald.
	Priorities bool
	// Sentence returns the message of a record that has none, by its event; nil: there is none.
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
	taker atomic.Pointer[func(Taken) bool]

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
	// log_level is for the server's records. Apps have their own levels: their debug
	// records are written wherever their printed text is.
	if lowest := l.GetLevel(); !writes(lowest, level) && (event != Output || !writes(lowest, max(level, hclog.Info))) {
		return
	}
	if len(l.implied) > 0 {
		pairs = slices.Concat(l.implied, pairs)
	}
	r := newRecord(l.now(), level, event, pairs)
	if r.message == "" && l.o.Sentence != nil {
		r.message, r.made = l.o.Sentence(event), true
	}
	if take := l.taker.Load(); take != nil && (*take)(r.taken()) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buf[:0]
	if l.o.Text {
		if l.o.Terminal {
			r.forTerminal(l.o.Color)
		}
		b = r.text(b, &l.o)
	} else {
		b = r.json(b)
	}
	if l.o.Priorities {
		b = withPriority(b, level)
	}
	_, _ = l.o.Out.Write(b) // there is no place for its error
	if cap(b) <= 64<<10 {
		l.buf = b
	}
}

// Taken is a record that is offered to the function of Take.
type Taken struct {
	Level   hclog.Level
	Event   string
	Message string
	Made    bool   // Message is the general sentence of the event
	Worker  bool   // it is about a worker
	Fields  string // "path=/srv/x days=3", without those of several lines
}

// Take has take see each record of a log first: one that it takes is not written. nil ends that.
func Take(l *Logger, take func(Taken) bool) {
	if take == nil {
		l.taker.Store(nil)
		return
	}
	l.taker.Store(&take)
}

func (r *record) taken() Taken {
	t := Taken{Level: r.level, Event: r.event, Message: r.message, Made: r.made}
	var b []byte
	for _, f := range r.fields {
		t.Worker = t.Worker || f.key == "worker"
		if s, isText := f.value.(string); !isText || !strings.Contains(s, "\n") {
			b = textValue(append(append(append(b, ' '), f.key...), '='), f)
		}
	}
	t.Fields = strings.TrimPrefix(string(b), " ")
	return t
}

// writes reports whether records of this level are written, if lowest is.
func writes(lowest, level hclog.Level) bool { return level != hclog.Off && level >= lowest }

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

// IsTrace reports whether such records are written.
func (c *core) IsTrace() bool { return writes(c.GetLevel(), hclog.Trace) }

// IsDebug reports whether such records are written.
func (c *core) IsDebug() bool { return writes(c.GetLevel(), hclog.Debug) }

// IsInfo reports whether such records are written.
func (c *core) IsInfo() bool { return writes(c.GetLevel(), hclog.Info) }

// IsWarn reports whether such records are written.
func (c *core) IsWarn() bool { return writes(c.GetLevel(), hclog.Warn) }

// IsError reports whether such records are written.
func (c *core) IsError() bool { return writes(c.GetLevel(), hclog.Error) }

// ImpliedArgs returns the pairs of With.
func (l *Logger) ImpliedArgs() []any { return l.implied }

// With returns a Logger whose records also have these pairs.
func (l *Logger) With(pairs ...any) hclog.Logger {
	return &Logger{core: l.core, implied: slices.Concat(l.implied, pairs)}
}

// Name is empty: an event's name needs no prefix.
func (l *Logger) Name() string { return "" }

// Named returns l.
func (l *Logger) Named(string) hclog.Logger { return l }

// ResetNamed returns l.
func (l *Logger) ResetNamed(string) hclog.Logger { return l }

// StandardLogger returns a logger for net/http and similar packages. Its lines are
// "http" events at the level that o forces, else at info.
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
