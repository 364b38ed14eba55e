package cache

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/cache/rules"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// prepared are the fields of an answer's hits as lines of a head, but for Date, which the way in must know. They are made once,
// and Age and Cache-Status once a second: to add, check and write one field after the other costs more than the rest of a hit.
type prepared struct {
	date  string // its value; empty: the answer has none
	all   []byte // those of the answer
	fewer []byte // those of a 304

	whole, short atomic.Pointer[stamped] // with Age and Cache-Status
}

// stamped are the lines of one second.
type stamped struct {
	age, ttl int64 // seconds
	lines    []byte
}

// prepare makes the lines. Fields that appear at the end of the list go out at the end.
func prepare(fields []httpx.Field) *prepared {
	p := &prepared{}
	for _, f := range fields {
		if p.date == "" && strings.EqualFold(f.Name, "Date") {
			p.date = f.Value
			continue
		}
		p.all = appendLine(p.all, f.Name, f.Value)
	}
	for _, f := range withoutContent(fields) {
		if !strings.EqualFold(f.Name, "Date") {
			p.fewer = appendLine(p.fewer, f.Name, f.Value)
		}
	}
	return p
}

// appendLine appends a line. A byte that would end it becomes a blank: what was stored may have been damaged.
func appendLine(b []byte, name, value string) []byte {
	b = append(append(b, name...), ": "...)
	for i := range len(value) {
		c := value[i]
		if c == '\r' || c == '\n' || c == 0 {
			c = ' '
		}
		b = append(b, c)
	}
	return append(b, "\r\n"...)
}

// lines are those of a hit with that age and ttl.
func (p *prepared) lines(status int, age, ttl time.Duration) []byte {
	from, kept := p.all, &p.whole
	if status == http.StatusNotModified {
		from, kept = p.fewer, &p.short
	}
	a, t := int64(age/time.Second), int64(ttl/time.Second)
	if s := kept.Load(); s != nil && s.age == a && s.ttl == t {
		return s.lines
	}
	b := make([]byte, 0, len(from)+64)
	b = append(b, from...)
	b = append(b, "Age: "...)
	b = append(strconv.AppendInt(b, a, 10), "\r\nCache-Status: "...)
	b = append(rules.AppendStatus(b, rules.Report{Hit: true, TTL: ttl}), "\r\n"...)
	kept.Store(&stamped{a, t, b})
	return b
}

// write writes the head of a hit; false: nothing was written, because the way in takes no lines.
func (p *prepared) write(w *httpx.Writer, status int, length int64, age, ttl time.Duration) bool {
	if p == nil || !w.Fields.Ordered() || !w.UseLines(p.lines(status, age, ttl)) {
		return false
	}
	if p.date != "" {
		w.Fields.Add("Date", p.date)
	}
	if length >= 0 {
		w.Fields.SetLength(length)
	}
	w.WriteHeader(status)
	return true
}
