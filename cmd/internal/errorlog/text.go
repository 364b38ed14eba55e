package errorlog

import (
	"bytes"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/logtext"
)

var levels = map[hclog.Level]struct{ text, color string }{
	hclog.Trace: {"[TRACE] ", "\x1b[92m"},
	hclog.Debug: {"[DEBUG] ", "\x1b[97m"},
	hclog.Info:  {"[INFO]  ", "\x1b[94m"},
	hclog.Warn:  {"[WARN]  ", "\x1b[93m"},
	hclog.Error: {"[ERROR] ", "\x1b[91m"},
}

// text adds the record as a line, with further lines for long fields:
//
//	2026-03-01T12:00:00.000Z [WARN]  queue_full: app=shop waiting=256/256: requests were refused
//
// An app's output has its worker's name in place of the event. At a terminal the time is short.
func (r *record) text(b []byte, o *Options) []byte {
	color := o.Color
	switch {
	case o.Terminal && color:
		b = append(r.at.AppendFormat(append(b, faint...), "15:04:05 "), uncolored...) // "2" of faint is the day in a layout
	case o.Terminal: // as the access log
		b = r.at.AppendFormat(b, "15:04:05 ")
	default:
		b = r.at.AppendFormat(b, "2006-01-02T15:04:05.000Z07:00 ")
	}
	l, ok := levels[r.level]
	if !ok {
		l = levels[hclog.Info]
	}
	if color {
		b = append(append(append(b, l.color...), l.text...), "\x1b[0m"...)
	} else {
		b = append(b, l.text...)
	}
	if r.event == Output {
		return r.outputText(b)
	}
	b = append(append(b, r.event...), ':')
	for _, f := range r.fields {
		if s, isText := f.value.(string); isText && strings.Contains(s, "\n") {
			continue
		}
		b = append(append(append(b, ' '), f.key...), '=')
		b = textValue(b, f)
	}
	// At the lower levels the event's name is enough without its general sentence.
	if r.message != "" && (!r.made || r.level >= hclog.Warn) {
		if b[len(b)-1] != ':' {
			b = append(b, ':')
		}
		b = lines(append(b, ' '), r.message, fieldMax)
	}
	b = append(b, '\n')
	for _, f := range r.fields {
		if s, isText := f.value.(string); isText && strings.Contains(s, "\n") {
			if !o.Terminal || f.key != "traceback" { // a person knows one
				b = append(append(append(b, "  "...), f.key...), "=\n"...)
			}
			b = append(b, "  | "...)
			if r.isLong(f.key) {
				b = longText(b, f.key, s)
			} else {
				b = lines(b, s, fieldMax)
			}
			b = append(b, '\n')
		}
	}
	return b
}

func textValue(b []byte, f field) []byte {
	switch v := f.value.(type) {
	case time.Duration:
		return append(b, short(v).String()...)
	case Bytes:
		return append(b, v.String()...)
	case Of:
		return append(b, v.String()...)
	case string:
		if v == "" || strings.ContainsAny(v, " \t\"=") {
			return append(logtext.Append(append(b, '"'), v, fieldMax), '"')
		}
		return logtext.Append(b, v, fieldMax)
	}
	return number(b, f.value)
}

// short rounds to the digits that matter.
func short(d time.Duration) time.Duration {
	switch {
	case d < 10*time.Millisecond:
		return d.Round(10 * time.Microsecond)
	case d < 10*time.Second:
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}

// outputText adds a line of an app's output, after the worker's name and the request's
// id: after the last line of a traceback the id would be overlooked.
func (r *record) outputText(b []byte) []byte {
	for _, f := range r.fields {
		v, _ := f.value.(string)
		switch f.key {
		case "worker":
			b = logtext.Append(b, v, logtext.Word)
		case "id":
			b = logtext.Append(append(b, " id="...), v, logtext.Word)
		}
	}
	b = append(b, ": "...)
	return append(longText(b, "message", r.message), '\n')
}

func longText(b []byte, key, s string) []byte {
	head, gap, tail := split(key, s)
	b = lines(b, head, 2*longHead)
	b = lines(b, gap, fieldMax)
	return lines(b, tail, 2*longTail)
}

// lines adds a text of several lines, the later ones with "  | " in front, so that no
// line of a text looks like a record. Tabs and colours stay; all other control
// characters are escaped.
func lines(b []byte, s string, limit int) []byte {
	end := len(b) + limit
	for {
		line, rest, more := strings.Cut(s, "\n")
		b = keepingColors(b, line, max(0, end-len(b)))
		if !more {
			return b
		}
		if len(b) >= end {
			return append(b, " ..."...)
		}
		b = append(b, "\n  | "...)
		s = rest
	}
}

// keepingColors escapes all but tabs, quotes, backslashes and SGR sequences (ECMA-48
// 8.3.117): frameworks colour their output for people. A text that is cut ends its colours.
func keepingColors(b []byte, s string, limit int) []byte {
	end, colored := len(b)+limit, false
	for s != "" {
		n := sgr(s)
		if n == 0 && (s[0] == '\t' || s[0] == '"' || s[0] == '\\') {
			n = 1
		}
		next := append(b, s[:n]...)
		colored = colored || n > 1
		if n == 0 {
			n = fitting(s, end-len(b))
			next = logtext.Append(b, s[:n], 4*n)
		}
		if len(next) > end {
			if b = logtext.Append(b, s, 0); colored {
				b = append(b, "\x1b[0m"...)
			}
			return b
		}
		b, s = next, s[n:]
	}
	return b
}

// fitting is how many bytes of s, up to one that keepingColors keeps, have less than left when all are escaped; at least one
// character.
func fitting(s string, left int) int {
	n := strings.IndexAny(s[1:], "\x1b\t\"\\") + 1
	if n == 0 {
		n = len(s)
	}
	if 4*n > left {
		n = left / 4
		for back := 0; back < utf8.UTFMax-1 && n > 0 && !utf8.RuneStart(s[n]); back++ {
			n--
		}
	}
	if n == 0 {
		_, n = utf8.DecodeRuneInString(s)
	}
	return n
}

// sgr is the length of the SGR sequence at the start of s; 0: there is none.
func sgr(s string) int {
	if !strings.HasPrefix(s, "\x1b[") {
		return 0
	}
	for i := 2; i < min(len(s), 32); i++ {
		switch c := s[i]; {
		case c == 'm':
			return i + 1
		case (c < '0' || c > '9') && c != ';':
			return 0
		}
	}
	return 0
}

// priorities are those of syslog (RFC 5424 6.2.1), which journald takes at the start
// of a line.
var priorities = map[hclog.Level]string{hclog.Trace: "<7>", hclog.Debug: "<7>", hclog.Info: "<6>", hclog.Warn: "<4>", hclog.Error: "<3>"}

// withPriority adds the priority in front of each line.
func withPriority(b []byte, level hclog.Level) []byte {
	p := priorities[level]
	if p == "" {
		p = priorities[hclog.Info]
	}
	out := make([]byte, 0, len(b)+8*len(p))
	for line := range bytes.Lines(b) {
		out = append(append(out, p...), line...)
	}
	return out
}
