package http1

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

var crlf = []byte("\r\n")

// appendStatus appends a status line (RFC 9112 4). An empty phrase is the usual one; a status
// without one has the blank alone.
func appendStatus(b []byte, status int, phrase string) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	if phrase == "" {
		phrase = http.StatusText(status)
	}
	return append(append(b, phrase...), crlf...)
}

// encode writes the head into buf, but for the fields of the body's framing.
func (w *writer) encode() {
	if w.phrased {
		b := append(strconv.AppendInt(append(w.buf, "HTTP/1.1 "...), int64(w.status), 10), ' ')
		w.buf = append(append(b, w.phrase...), crlf...)
	} else if w.status == http.StatusOK {
		w.buf = append(w.buf, "HTTP/1.1 200 OK\r\n"...)
	} else {
		w.buf = appendStatus(w.buf, w.status, "")
	}
	w.buf = append(w.buf, w.lines...)
	if _, ok := w.header["Date"]; !ok {
		w.buf = appendDate(w.buf)
	}
	w.buf = w.appendFields(w.buf, false)
}

// appendFields appends the handler's fields, sorted by name, so that an answer is the same
// each time. Those that speak about the connection and the framing are read instead.
func (w *writer) appendFields(b []byte, informational bool) []byte {
	keys := w.keys[:0]
	for name := range w.header {
		keys = append(keys, name)
	}
	if len(keys) > 1 {
		slices.Sort(keys)
	}
	for _, name := range keys {
		values := w.header[name]
		if w.special(name, values, informational) || !isToken(name) {
			continue
		}
		for _, v := range values {
			b = append(append(b, name...), ':', ' ')
			b = append(appendValue(b, v), crlf...)
		}
	}
	clear(keys)
	w.keys = keys[:0]
	return b
}

// special takes the fields that the writer writes itself.
func (w *writer) special(name string, values []string, informational bool) bool {
	switch len(name) {
	case len("Trailer"):
		return name == "Trailer" // trailers are not sent
	case len("Connection"):
		if name != "Connection" {
			return false
		}
		for _, v := range values {
			if !informational && hasOption(v, "close") {
				w.c.last.Store(true)
			}
		}
		return w.status != http.StatusSwitchingProtocols
	case len("Content-Length"):
		if !strings.EqualFold(name, "Content-Length") {
			return false
		}
		if !informational && len(values) > 0 {
			if n, ok := parseLength(values[0]); ok {
				w.declared = n
			}
		}
		return true
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

// appendValue appends a value. A byte that would end the line becomes a blank (RFC 9110 5.5):
// handlers check what comes from elsewhere, and this is the last line of defence.
func appendValue(b []byte, v string) []byte {
	from := len(b)
	b = append(b, v...)
	if !isValue(b[from:]) {
		for i, c := range b[from:] {
			if c == '\r' || c == '\n' || c == 0 {
				b[from+i] = ' '
			}
		}
	}
	return b
}

// endHead decides how the body is framed (RFC 9112 6.3), and ends the head.
func (w *writer) endHead() {
	w.headed = true
	b := w.buf
	switch {
	case w.status == http.StatusNoContent || w.status < 200: // RFC 9110 8.6
		w.declared = -1
	case w.declared >= 0:
		b = append(b, "Content-Length: "...)
		b = append(strconv.AppendInt(b, w.declared, 10), crlf...)
	case !w.hasBody():
	case w.minor > 0:
		w.chunked = true
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	default: // the body ends with the connection
		w.c.last.Store(true)
	}
	switch {
	case w.status == http.StatusSwitchingProtocols:
	case w.c.endsAfter():
		b = append(b, "Connection: close\r\n"...)
	case w.minor == 0:
		b = append(b, "Connection: keep-alive\r\n"...)
	}
	w.buf = append(b, crlf...)
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
		d = &dateLine{now.Unix(), now.UTC().AppendFormat([]byte("Date: "), http.TimeFormat+"\r\n")}
		lastDate.Store(d)
	}
	return append(b, d.line...)
}
