package server

import (
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// AccessFormat is the form of an access log line.
type AccessFormat int

const (
	// Combined is the form of Apache and nginx with
	// ` app=shop rt=0.0123 wait=0.0000 id=… worker=shop/3` behind it, and
	// ` source=static` for a file that no app was asked for; seconds.
	// Quotes, backslashes, control octets and what is not UTF-8 are written \xHH.
	Combined AccessFormat = iota
	// JSON is one object per line.
	JSON
)

const (
	accessDelay  = 100 * time.Millisecond // how late a line may be
	accessBuffer = 64 << 10               // octets; beyond it the request that fills it writes
)

// AccessLog writes one line per request. Lines are gathered and written at most
// 100 ms later. Its methods may be called from any goroutine.
//
// The only goroutine is the timer's, which runs flush; Close waits for it.
type AccessLog struct {
	open   func() (io.WriteCloser, error)
	format AccessFormat
	failed func(error)

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

// NewAccessLog opens the log. open is called again by Reopen. failed hears of
// writes that did not succeed; nil: nobody does.
func NewAccessLog(open func() (io.WriteCloser, error), format AccessFormat, failed func(error)) (*AccessLog, error) {
	out, err := open()
	if err != nil {
		return nil, err
	}
	if failed == nil {
		failed = func(error) {}
	}
	l := &AccessLog{open: open, format: format, failed: failed, out: out}
	l.timer = time.AfterFunc(time.Hour, l.flush)
	l.timer.Stop()
	return l, nil
}

// Log writes the line for a request that is answered.
func (l *AccessLog) Log(rec *httpx.Writer, r *http.Request, now time.Time) {
	line, ok := l.lines.Get().(*[]byte)
	if !ok {
		line = new([]byte)
	}
	b := (*line)[:0]
	if l.format == JSON {
		b = l.appendJSONLine(b, rec, r, now)
	} else {
		b = l.appendCombined(b, rec, r, now)
	}
	l.add(b)
	if cap(b) <= accessBuffer {
		*line = b
		l.lines.Put(line)
	}
}

func (l *AccessLog) add(b []byte) {
	l.mu.Lock()
	l.buf = append(l.buf, b...)
	full := len(l.buf) >= accessBuffer
	if !full && !l.armed {
		l.armed = true
		l.timer.Reset(accessDelay)
	}
	l.mu.Unlock()
	if full {
		l.flush()
	}
}

func (l *AccessLog) flush() {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.flushLocked()
}

func (l *AccessLog) flushLocked() {
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

// Reopen writes what is gathered and opens the log anew, after its file was
// renamed. When that fails, the old one goes on.
func (l *AccessLog) Reopen() error {
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
func (l *AccessLog) Close() error {
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

// Logged is the status of a request for logs and metrics: what was sent, else what the handler
// noted (499), else 200, which net/http sends for a handler that wrote nothing.
func Logged(rec *httpx.Writer) int {
	switch {
	case rec.Status() != 0:
		return rec.Status()
	case rec.Note.Status != 0:
		return rec.Note.Status
	}
	return http.StatusOK
}

func (l *AccessLog) appendCombined(b []byte, rec *httpx.Writer, r *http.Request, now time.Time) []byte {
	n := &rec.Note
	b = appendWord(b, n.RemoteAddr)
	b = append(b, " - - ["...)
	b = append(b, l.second(n.Start).combined...)
	b = append(b, `] "`...)
	b = appendEscaped(b, r.Method)
	b = append(b, ' ')
	b = appendEscaped(b, r.RequestURI)
	b = append(b, ' ')
	b = appendEscaped(b, r.Proto)
	b = append(b, `" `...)
	b = strconv.AppendInt(b, int64(Logged(rec)), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, rec.Bytes(), 10)
	b = append(b, ` "`...)
	b = appendWord(b, first(r.Header["Referer"]))
	b = append(b, `" "`...)
	b = appendWord(b, first(r.Header["User-Agent"]))
	b = append(b, `" app=`...)
	b = appendWord(b, n.App)
	b = append(b, " rt="...)
	b = appendSeconds(b, now.Sub(n.Start))
	b = append(b, " wait="...)
	b = appendSeconds(b, n.Wait)
	b = append(b, " id="...)
	b = appendWord(b, n.ID)
	b = append(b, " worker="...)
	b = appendWord(b, n.Worker)
	if n.Upstream != "" {
		b = append(b, " upstream="...)
		b = appendWord(b, n.Upstream)
	}
	if n.Source == "static" { // no worker, and no app: say who it was
		b = append(b, " source=static"...)
	}
	if n.Aborted {
		b = append(b, " aborted=1"...)
	}
	return append(b, '\n')
}

func (l *AccessLog) appendJSONLine(b []byte, rec *httpx.Writer, r *http.Request, now time.Time) []byte {
	n := &rec.Note
	b = append(b, `{"time":"`...)
	s := l.second(n.Start)
	ms := n.Start.Nanosecond() / 1e6
	b = append(b, s.date...)
	b = append(b, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
	b = append(b, s.zone...)
	b = append(b, '"')
	b = appendMember(b, "remote", n.RemoteAddr)
	b = appendMember(b, "method", r.Method)
	b = appendMember(b, "target", r.RequestURI)
	b = appendMember(b, "proto", r.Proto)
	b = appendMember(b, "host", r.Host)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(Logged(rec)), 10)
	b = append(b, `,"bytes":`...)
	b = strconv.AppendInt(b, rec.Bytes(), 10)
	b = appendMember(b, "referer", first(r.Header["Referer"]))
	b = appendMember(b, "user_agent", first(r.Header["User-Agent"]))
	b = appendMember(b, "app", n.App)
	b = append(b, `,"rt":`...)
	b = appendSeconds(b, now.Sub(n.Start))
	b = append(b, `,"wait":`...)
	b = appendSeconds(b, n.Wait)
	b = append(b, `,"run":`...)
	b = appendSeconds(b, n.Run)
	b = appendMember(b, "id", n.ID)
	b = appendMember(b, "worker", n.Worker)
	b = appendMember(b, "source", n.Source)
	if n.Upstream != "" {
		b = appendMember(b, "upstream", n.Upstream)
	}
	if n.Aborted {
		b = append(b, `,"aborted":true`...)
	}
	if n.Err != nil {
		b = appendMember(b, "error", n.Err.Error())
	}
	return append(b, '}', '\n')
}

func appendMember(b []byte, name, value string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':', '"')
	b = appendJSONText(b, value)
	return append(b, '"')
}

// appendSeconds writes seconds with four digits behind the point.
func appendSeconds(b []byte, d time.Duration) []byte {
	n := (max(0, int64(d)) + int64(50*time.Microsecond)) / int64(100*time.Microsecond)
	b = strconv.AppendInt(b, n/1e4, 10)
	n %= 1e4
	return append(b, '.', byte('0'+n/1000), byte('0'+n/100%10), byte('0'+n/10%10), byte('0'+n%10))
}

// stamp is a second, as the lines of many requests write it.
type stamp struct {
	unix                 int64
	combined, date, zone string
}

// second returns the stamp of t, which is made once for each second.
func (l *AccessLog) second(t time.Time) *stamp {
	s := l.stamp.Load()
	if s == nil || s.unix != t.Unix() {
		s = &stamp{t.Unix(), t.Format("02/Jan/2006:15:04:05 -0700"), t.Format("2006-01-02T15:04:05"), t.Format("Z07:00")}
		l.stamp.Store(s)
	}
	return s
}

// appendWord writes "-" for nothing.
func appendWord(b []byte, s string) []byte {
	if s == "" {
		return append(b, '-')
	}
	return appendEscaped(b, s)
}

// itself are the octets that stand for themselves in every form: printable ASCII but
// for the quote and the backslash.
var itself = func() (t [256]bool) {
	for c := ' '; c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// harmless counts such octets at the front of s.
func harmless(s string) int {
	for i := range len(s) {
		if !itself[s[i]] {
			return i
		}
	}
	return len(s)
}

const hexDigits = "0123456789abcdef"

// appendEscaped keeps printable text and writes every other octet as \xHH, the
// quote and the backslash too, so that a field can end neither its quotes nor its
// line, nor steer a terminal.
func appendEscaped(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		if n := harmless(s[i:]); n > 0 {
			b = append(b, s[i:i+n]...)
			i += n
			continue
		}
		c := s[i]
		if c < utf8.RuneSelf {
			b = append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || !unicode.IsPrint(r) {
			for _, c := range []byte(s[i : i+size]) {
				b = append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
			}
		} else {
			b = append(b, s[i:i+size]...)
		}
		i += size
	}
	return b
}

// appendJSONText is a JSON string's inside (RFC 8259 7). Octets that are not
// UTF-8 become the four characters \xHH.
func appendJSONText(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		if n := harmless(s[i:]); n > 0 {
			b = append(b, s[i:i+n]...)
			i += n
			continue
		}
		c := s[i]
		if c < utf8.RuneSelf {
			if c == '"' || c == '\\' {
				b = append(b, '\\', c)
			} else {
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(b, '\\', '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		case r < 1<<16 && !unicode.IsPrint(r):
			b = append(b, '\\', 'u', hexDigits[r>>12], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		default:
			b = append(b, s[i:i+size]...)
		}
		i += size
	}
	return b
}

func first(v []string) string {
	if len(v) == 0 {
		return ""
	}
	return v[0]
}
