package upstream

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

const (
	maxHead   = 256 << 10 // bytes of a response's head
	maxFields = 1000      // of a response
)

// headError says what is wrong with the head of a response. Nothing of such a response reaches the client.
type headError string

func (e headError) Error() string { return string(e) }

var (
	errHead        = headError(fmt.Sprintf("the head of the response has more than %d bytes", maxHead))
	errManyFields  = headError(fmt.Sprintf("the response has more than %d fields", maxFields))
	errStatusLine  = headError("the response does not begin with HTTP/1.1 and a status (RFC 9112 4)")
	errFolded      = headError("the response has a folded field line (RFC 9112 5.2)")
	errName        = headError("the name of a response's field is not a token that ends at a colon (RFC 9112 5.1)")
	errValue       = headError("a field of the response has a control byte (RFC 9110 5.5)")
	errLengths     = headError("the Content-Length of the response is not one number (RFC 9112 6.3)")
	errFraming     = headError("the response has Transfer-Encoding and Content-Length, or is of HTTP/1.0 and has Transfer-Encoding (RFC 9112 6.1)")
	errCoding      = headError("the Transfer-Encoding of the response is not chunked (RFC 9112 6.1)")
	errTrailerName = headError("a trailer of the response frames a message (RFC 9110 6.5.1)")
)

// head is what the head of a response says (RFC 9112 2.1). It keeps one string, of which all others are parts.
type head struct {
	status int
	phrase string
	old    bool          // HTTP/1.0
	fields []httpx.Field // but for those that frame the message

	length  int64 // Content-Length; -1: none
	chunked bool
	last    bool   // the connection ends with the response
	trailer string // the names that Trailer announces
	stays   bool   // Connection: keep-alive
}

// headEnd is the length of the head that b begins with; 0: its end has not come. A line may end with LF alone (RFC 9112 2.2).
func headEnd(b []byte) int {
	for from := 0; ; {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return 0
		}
		if i == 0 || i == 1 && b[from] == '\r' {
			return from + i + 1
		}
		from += i + 1
	}
}

// parse reads the head in s, which ends with the empty line. room is memory for its fields.
func (h *head) parse(s string, room []httpx.Field) error {
	*h = head{length: -1, fields: room[:0]}
	line, s := nextLine(s)
	if err := h.statusLine(line); err != nil {
		return err
	}
	codings, n := 0, 0
	for {
		if line, s = nextLine(s); line == "" {
			break
		}
		if n++; n > maxFields {
			return errManyFields
		}
		name, value, err := fieldLine(line)
		if err != nil {
			return err
		}
		kept, err := h.field(name, value, &codings)
		if err != nil {
			return err
		}
		if kept {
			h.fields = append(h.fields, httpx.Field{Name: name, Value: value})
		}
	}
	if codings > 0 && (h.length >= 0 || h.old) {
		return errFraming
	}
	h.last = h.last || h.old && !h.stays
	return nil
}

// nextLine cuts the first line off s.
func nextLine(s string) (line, rest string) {
	i := strings.IndexByte(s, '\n')
	if i < 0 {
		return "", ""
	}
	line, rest = s[:i], s[i+1:]
	if i > 0 && line[i-1] == '\r' {
		line = line[:i-1]
	}
	return line, rest
}

// statusLine: RFC 9112 4. The blank in front of an empty reason may be missing.
func (h *head) statusLine(s string) error {
	const version = "HTTP/1."
	const status = len(version) + len("1 ")
	if len(s) < status+3 || s[:len(version)] != version || !isDigit(s[len(version)]) || s[status-1] != ' ' {
		return errStatusLine
	}
	for _, c := range []byte(s[status : status+3]) {
		if !isDigit(c) {
			return errStatusLine
		}
		h.status = 10*h.status + int(c-'0')
	}
	if len(s) > status+3 && s[status+3] != ' ' {
		return errStatusLine
	}
	if h.phrase = trim(s[status+3:]); hasControl(h.phrase) {
		return errStatusLine
	}
	h.old = s[len(version)] == '0'
	return nil
}

// fieldLine: RFC 9112 5. Blanks in front of the colon are removed, as a proxy has to.
func fieldLine(s string) (name, value string, err error) {
	if s[0] == ' ' || s[0] == '\t' {
		return "", "", errFolded
	}
	colon := strings.IndexByte(s, ':')
	if colon < 0 {
		return "", "", errName
	}
	name = s[:colon]
	for len(name) > 0 && (name[len(name)-1] == ' ' || name[len(name)-1] == '\t') {
		name = name[:len(name)-1]
	}
	if !httpx.IsToken(name) {
		return "", "", errName
	}
	if value = trim(s[colon+1:]); hasControl(value) {
		return "", "", errValue
	}
	return name, value, nil
}

// field takes a field that frames the message; kept: it is another one, or says more than that.
func (h *head) field(name, value string, codings *int) (kept bool, err error) {
	switch len(name) {
	case len("Connection"):
		if isName(name, "Connection") {
			h.connection(value)
		}
	case len("Content-Length"):
		if !isName(name, "Content-Length") {
			break
		}
		n, ok := parseLength(value)
		if !ok || h.length >= 0 && h.length != n {
			return false, errLengths
		}
		h.length = n
		return false, nil
	case len("Transfer-Encoding"):
		if !isName(name, "Transfer-Encoding") {
			break
		}
		if *codings++; *codings > 1 || !isWord(value, "chunked") {
			return false, errCoding
		}
		h.chunked = true
		return false, nil
	case len("Trailer"):
		if !isName(name, "Trailer") {
			break
		}
		if h.trailer != "" {
			h.trailer += ","
		}
		h.trailer += value
		return false, nil
	}
	return true, nil
}

// connection reads the options of the connection (RFC 9112 9.3).
func (h *head) connection(value string) {
	for more := true; more; {
		var option string
		option, value, more = strings.Cut(value, ",")
		switch option = trim(option); {
		case isWord(option, "close"):
			h.last = true
		case isWord(option, "keep-alive"):
			h.stays = true
		}
	}
}

// hasBody reports whether a body follows (RFC 9112 6.3).
func (h *head) hasBody(method string) bool {
	return method != http.MethodHead && h.status >= 200 && h.status != http.StatusNoContent && h.status != http.StatusNotModified
}

// trim cuts the blanks around a value.
func trim(s string) string {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for len(s) > 0 && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// isWord compares without regard to case, in ASCII alone.
func isWord(s, word string) bool { return len(s) == len(word) && isName(s, word) }

// parseLength takes digits only, fewer than 19, so that the number fits.
func parseLength(s string) (n int64, ok bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	for _, c := range []byte(s) {
		if !isDigit(c) {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// announced are the trailers that the head announces, without those that may be none.
func (h *head) announced() http.Header {
	if h.trailer == "" {
		return nil
	}
	t := http.Header{}
	for name := range strings.SplitSeq(h.trailer, ",") {
		if name = trim(name); httpx.IsToken(name) && len(t) < maxFields {
			if name = http.CanonicalHeaderKey(name); !frames(name) {
				t[name] = nil
			}
		}
	}
	return t
}
