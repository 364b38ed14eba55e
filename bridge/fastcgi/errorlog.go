package fastcgi

import (
	"bytes"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxErrors  = 4 << 10 // bytes of STDERR in one record
	maxRecords = 4       // of one request
	// perMinute bounds the records of one upstream: a page that writes warnings is called by
	// clients as often as they like.
	perMinute = 120
)

// errorLog writes what a request prints to STDERR into the log: what was printed before a part
// of the response, as one record.
type errorLog struct {
	x       *exchange
	text    []byte
	cut     int // bytes that found no room
	records int
}

// add takes a part of STDERR.
func (l *errorLog) add(p []byte) {
	n := min(len(p), maxErrors-len(l.text))
	if l.records == maxRecords {
		n = 0
	}
	l.text = append(l.text, p[:n]...)
	l.cut += len(p) - n
}

// flush writes a record of what came until now.
func (l *errorLog) flush() {
	if len(l.text) == 0 || l.records == maxRecords-1 {
		return // the last record has all the rest
	}
	l.write()
}

// end writes the last record.
func (l *errorLog) end() {
	if len(l.text)+l.cut > 0 {
		l.write()
	}
}

func (l *errorLog) write() {
	text := strings.TrimSpace(string(bytes.ToValidUTF8(l.text, []byte("?"))))
	cut := l.cut
	l.text, l.cut = l.text[:0], 0
	l.records++
	if cut > 0 {
		text += "...+" + strconv.Itoa(cut)
	}
	if text == "" {
		return
	}
	x := l.x
	dropped, ok := x.t.limit.take(time.Now())
	if !ok {
		return
	}
	pairs := []any{"upstream", x.t.Name, "id", x.id(), "method", x.req.Method, "target", x.req.RequestURI, "output", text}
	if dropped > 0 {
		pairs = append(pairs, "dropped", dropped)
	}
	x.t.Log.Warn("fastcgi_stderr", pairs...)
}

// quota allows perMinute records a minute.
type quota struct {
	mu      sync.Mutex
	begun   time.Time
	count   int
	dropped int // records that were not allowed since the last one that was
}

// take asks for one. dropped is how many were not allowed before it.
func (q *quota) take(now time.Time) (dropped int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now.Sub(q.begun) >= time.Minute {
		q.begun, q.count = now, 0
	}
	if q.count == perMinute {
		q.dropped++
		return 0, false
	}
	q.count++
	dropped, q.dropped = q.dropped, 0
	return dropped, true
}
