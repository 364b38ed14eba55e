package http1

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

var crlf = []byte("\r\n")

// encoder writes the head of an answer (RFC 9112 4, 5): the status line, field lines that
// were prepared, fields in the order in which they were given, and those of a map, sorted by
// name, so that an answer is the same each time. It reads the fields that speak about the
// connection and the framing, which the writer writes itself.
type encoder struct {
	phrase  string // the reason phrase, if phrased
	phrased bool
	lines   []byte
	fields  []httpx.Field

	length int64 // of final: Content-Length; -1: none
	close  bool  // of final: the answer says "Connection: close"
	keys   []string
}

func (e *encoder) begin() {
	e.phrase, e.phrased, e.lines, e.fields, e.length, e.close = "", false, nil, nil, -1, false
}

// Phrase is httpx.Wire's.
func (e *encoder) Phrase(reason string) { e.phrase, e.phrased = reason, true }

// Lines is httpx.Wire's.
func (e *encoder) Lines(lines []byte) { e.lines = lines }

// Fields is httpx.Wire's.
func (e *encoder) Fields(list []httpx.Field, length int64) { e.fields, e.length = list, length }

// final appends the final head, but for the framing.
func (e *encoder) final(b []byte, status int, h http.Header) []byte {
	switch {
	case e.phrased:
		b = append(strconv.AppendInt(append(b, "HTTP/1.1 "...), int64(status), 10), ' ')
		b = append(append(b, e.phrase...), crlf...)
	case status == http.StatusOK:
		b = append(b, "HTTP/1.1 200 OK\r\n"...)
	default:
		b = appendStatus(b, status)
	}
	b = append(b, e.lines...)
	dated := false
	for i := range e.fields {
		f := &e.fields[i]
		dated = dated || len(f.Name) == len("Date") && strings.EqualFold(f.Name, "Date")
		b = appendField(b, f.Name, f.Value)
	}
	if !dated && len(h) > 0 {
		_, dated = h["Date"]
	}
	if !dated {
		b = appendDate(b)
	}
	return e.appendMap(b, h, status == http.StatusSwitchingProtocols, e.final1)
}

// informational appends the fields of a 1xx answer.
func (e *encoder) informational(b []byte, h http.Header) []byte {
	return e.appendMap(b, h, false, func(string, []string) {})
}

// final1 reads a field of the final head that is not written as it is.
func (e *encoder) final1(name string, values []string) {
	for _, v := range values {
		switch {
		case len(name) == len("Connection"):
			e.close = e.close || hasOption(v, "close")
		case len(name) == len("Content-Length"):
			if n, ok := parseLength(v); ok {
				e.length = n
			}
		}
	}
}

// appendMap appends the fields of h. read gets those that the writer writes itself;
// upgrade: not Connection, which is written as it is.
func (e *encoder) appendMap(b []byte, h http.Header, upgrade bool, read func(name string, values []string)) []byte {
	if len(h) == 0 {
		return b
	}
	keys := e.keys[:0]
	for name := range h {
		keys = append(keys, name)
	}
	if len(keys) > 1 {
		slices.Sort(keys)
	}
	for _, name := range keys {
		values := h[name]
		if framing(name) && !(upgrade && name == "Connection") {
			read(name, values)
			continue
		}
		if !isToken(name) {
			continue
		}
		for _, v := range values {
			b = appendField(b, name, v)
		}
	}
	clear(keys)
	e.keys = keys[:0]
	return b
}

// framing reports a field that speaks about the connection, or the framing of the body. No
// trailers are sent.
func framing(name string) bool {
	switch len(name) {
	case len("Trailer"):
		return strings.EqualFold(name, "Trailer")
	case len("Connection"):
		return strings.EqualFold(name, "Connection")
	case len("Content-Length"):
		return strings.EqualFold(name, "Content-Length")
	case len("Transfer-Encoding"):
		return strings.EqualFold(name, "Transfer-Encoding")
	}
	return false
}

// hasOption reports whether a Connection field has an option, in lower case.
func hasOption(value, option string) bool {
	for value != "" {
		var o string
		o, value, _ = strings.Cut(value, ",")
		if strings.EqualFold(strings.Trim(o, " \t"), option) {
			return true
		}
	}
	return false
}

// appendStatus appends a status line with the usual phrase; a status without one has the
// blank alone (RFC 9112 4).
func appendStatus(b []byte, status int) []byte {
	b = append(strconv.AppendInt(append(b, "HTTP/1.1 "...), int64(status), 10), ' ')
	return append(append(b, http.StatusText(status)...), crlf...)
}

// appendField appends a field line. A byte that would end the line becomes a blank (RFC 9110
// 5.5): handlers check what comes from elsewhere, and this is the last line of defence.
func appendField(b []byte, name, value string) []byte {
	b = append(append(b, name...), ':', ' ')
	from := len(b)
	b = append(b, value...)
	if !isValue(b[from:]) {
		for i, c := range b[from:] {
			if c == '\r' || c == '\n' || c == 0 {
				b[from+i] = ' '
			}
		}
	}
	return append(b, crlf...)
}

func appendLength(b []byte, n int64) []byte {
	return append(strconv.AppendInt(append(b, "Content-Length: "...), n, 10), crlf...)
}

func appendHex(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 16) }

// dateLine is the Date field of one second.
type dateLine struct {
	unix int64
	line []byte
}

var lastDate atomic.Pointer[dateLine]

// appendDate appends the Date field (RFC 9110 6.6.1).
func appendDate(b []byte) []byte {
	now := time.Now()
	d := lastDate.Load()
	if d == nil || d.unix != now.Unix() {
		d = &dateLine{now.Unix(), append(now.UTC().AppendFormat([]byte("Date: "), http.TimeFormat), crlf...)}
		lastDate.Store(d)
	}
	return append(b, d.line...)
}
