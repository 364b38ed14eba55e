package http1

import (
	"encoding/binary"
	"strings"

	"github.com/standpipe/standpipe/bridge/cgi"
)

// field is one field line: its name as the client spelled it, and its value without the
// blanks around it.
type field struct {
	name  string
	value string
	known *knownName // nil: not one of the usual names
}

// head is the head of one request (RFC 9112 2.1). Its strings are parts of one string.
type head struct {
	method string
	target string
	proto  string // "HTTP/1.1", "HTTP/1.0"
	minor  int    // of the version: 0 or 1; a later minor version counts as 1 (RFC 9110 2.5)
	form   form
	fields []field

	host    string // the Host field's value
	hosts   int
	length  int64 // of the body: 0 without one; -1: it is chunked
	sized   bool  // Content-Length came
	lengths int
	codings int // Transfer-Encoding fields

	close     bool // Connection: close
	keepAlive bool // Connection: keep-alive
	continues bool // Expect: 100-continue
}

// limits bound a head. None is 0.
type limits struct {
	head   int // bytes, with the empty line
	fields int
	target int // bytes
}

// Refusal says why a request is refused before a handler gets it. As the error of a request's
// body it says what is wrong with its frames.
type Refusal struct {
	// Status is the status of the answer.
	Status int
	// Code is one word for each kind of reason, for counters: "bare_lf", "max_fields" ...
	Code string
	// Text is one sentence, with the clause of the standard.
	Text string
}

func (e *Refusal) Error() string { return e.Text }

func refuse(status int, code, text string) *Refusal { return &Refusal{status, code, text} }

// scanner finds the end of a head in bytes that come in pieces, in linear time.
type scanner struct {
	line int // the first byte of the line that is not complete
	from int // the first byte that was not looked at
}

// end returns the length of the head in b, which begins with it; 0: its end has not come.
// Each line has to end with CR LF (RFC 9112 2.2: a bare LF may be taken for it; here it is
// refused, because a server in front may see it otherwise).
func (s *scanner) end(b []byte) (int, *Refusal) {
	for {
		i := indexByte(b[s.from:], '\n')
		if i < 0 {
			s.from = len(b)
			return 0, nil
		}
		i += s.from
		if i == s.line || b[i-1] != '\r' {
			return 0, errBareLF
		}
		if i-1 == s.line {
			return i + 1, nil
		}
		s.line, s.from = i+1, i+1
	}
}

var (
	errBareLF      = refuse(400, "bare_lf", "a line ends with LF without CR (RFC 9112 2.2)")
	errRequestLine = refuse(400, "request_line", "the request line is not METHOD SP TARGET SP VERSION (RFC 9112 3)")
	errMethod      = refuse(400, "method", "the method is not a token of up to 64 bytes (RFC 9110 9.1)")
	errVersion     = refuse(400, "version", "the version is not HTTP/1.1 or HTTP/1.0 (RFC 9112 2.3)")
	errMajor       = refuse(505, "version", "the version is not HTTP/1.1 or HTTP/1.0, which are spoken here (RFC 9110 15.6.6)")
	errFieldLine   = refuse(400, "field_line", "a field line has no colon (RFC 9112 5)")
	errFolded      = refuse(400, "folded_field", "a field line begins with a blank: line folding is not taken (RFC 9112 5.2)")
	errFieldName   = refuse(400, "field_name", "a field name is not a token that ends at the colon (RFC 9112 5.1)")
	errFieldValue  = refuse(400, "field_value", "a field value holds a control byte (RFC 9110 5.5)")
	errManyFields  = refuse(431, "max_fields", "the request has more fields than max_fields")
	errLargeHead   = refuse(431, "max_head", "the head of the request is larger than max_head")
	errLongTarget  = refuse(414, "max_target", "the request target is longer than max_target")
	errHosts       = refuse(400, "host", "the request has no Host field, or more than one (RFC 9112 3.2)")
	errHost        = refuse(400, "host", "the Host field is not a host with an optional port (RFC 9110 7.2)")
	errLength      = refuse(400, "content_length", "Content-Length is not one number of digits (RFC 9112 6.3)")
	errLengths     = refuse(400, "content_length", "the request has two Content-Length fields (RFC 9112 6.3)")
	errBoth        = refuse(400, "framing", "the request has Transfer-Encoding and Content-Length (RFC 9112 6.1)")
	errOldChunked  = refuse(400, "framing", "an HTTP/1.0 request has a Transfer-Encoding (RFC 9112 6.1)")
	errChunkedLast = refuse(400, "framing", "Transfer-Encoding does not end with one \"chunked\" (RFC 9112 6.1)")
	errParameter   = refuse(400, "framing", "a transfer coding has a parameter that is not NAME=VALUE (RFC 9112 7)")
	errCoding      = refuse(501, "framing", "a transfer coding other than chunked is not understood (RFC 9112 6.1)")
	errExpectation = refuse(417, "expect", "Expect asks for something other than 100-continue (RFC 9110 10.1.1)")
)

// parse reads the head in b, which ends with the empty line. It replaces what h held and
// keeps nothing of b.
func (h *head) parse(b []byte, lim *limits) *Refusal {
	*h = head{fields: h.fields[:0]}
	s := string(b)
	end := strings.IndexByte(s, '\n') - 1
	if err := h.requestLine(s[:end], lim); err != nil {
		return err
	}
	for at := end + 2; s[at] != '\r' || s[at+1] != '\n'; {
		n := strings.IndexByte(s[at:], '\n') - 1
		if err := h.field(s[at:at+n], b[at:at+n]); err != nil {
			return err
		}
		if len(h.fields) > lim.fields {
			return errManyFields
		}
		at += n + 2
	}
	return h.judge()
}

// requestLine: RFC 9112 3.
func (h *head) requestLine(s string, lim *limits) *Refusal {
	i := strings.IndexByte(s, ' ')
	if i < 0 {
		return errRequestLine
	}
	j := strings.LastIndexByte(s, ' ')
	if j == i {
		return errRequestLine
	}
	h.method, h.target, h.proto = s[:i], s[i+1:j], s[j+1:]
	if len(h.method) > maxMethod || !isToken(h.method) {
		return errMethod
	}
	switch h.proto {
	case "HTTP/1.1":
		h.minor = 1
	case "HTTP/1.0":
	default:
		v := h.proto
		if len(v) != len("HTTP/1.1") || v[:5] != "HTTP/" || !isDigit(v[5]) || v[6] != '.' || !isDigit(v[7]) {
			return errVersion
		}
		if v[5] != '1' {
			return errMajor
		}
		h.minor, h.proto = 1, "HTTP/1.1"
	}
	if len(h.target) > lim.target {
		return errLongTarget
	}
	var err *Refusal
	h.form, err = formOf(h.method, h.target)
	return err
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// field reads one field line, which is in s and in b (RFC 9112 5).
func (h *head) field(s string, b []byte) *Refusal {
	if s[0] == ' ' || s[0] == '\t' {
		return errFolded
	}
	colon := strings.IndexByte(s, ':')
	if colon < 0 {
		return errFieldLine
	}
	name := s[:colon]
	known := lookup(name)
	if known == nil && !isToken(name) {
		return errFieldName
	}
	from, to := colon+1, len(s)
	for from < to && (s[from] == ' ' || s[from] == '\t') {
		from++
	}
	for to > from && (s[to-1] == ' ' || s[to-1] == '\t') {
		to--
	}
	if !isValue(b[from:to]) {
		return errFieldValue
	}
	h.fields = append(h.fields, field{name, s[from:to], known})
	if known != nil && known.kind != plain {
		return h.framing(known.kind, s[from:to])
	}
	return nil
}

// framing takes the value of a field that this server itself obeys.
func (h *head) framing(k kind, value string) *Refusal {
	switch k {
	case hostField:
		h.host = value
		h.hosts++
	case lengthField:
		n, ok := parseLength(value)
		if !ok {
			return errLength
		}
		if h.lengths++; h.lengths > 1 {
			return errLengths
		}
		h.length, h.sized = n, true
	case codingField:
		h.codings++
		return h.coding(value)
	case connectionField:
		h.connection(value)
	case expectField:
		switch {
		case h.minor == 0: // RFC 9110 10.1.1: ignored
		case !equalFold(value, "100-continue"):
			return errExpectation
		default:
			h.continues = true
		}
	}
	return nil
}

// parseLength takes digits only, fewer than 19, so that the number fits.
func parseLength(s string) (n int64, ok bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, false
		}
		n = 10*n + int64(s[i]-'0')
	}
	return n, true
}

// coding: exactly "chunked", once. Other codings are refused by what a server that knows
// them would say: 400 where the body would have no end, else 501.
func (h *head) coding(value string) *Refusal {
	if h.codings == 1 && equalFold(value, "chunked") {
		return nil
	}
	if h.codings > 1 {
		return errChunkedLast
	}
	list := strings.Split(value, ",")
	for i, c := range list {
		name, parameters, has := strings.Cut(c, ";")
		if has && !areParameters(parameters) {
			return errParameter
		}
		name = strings.Trim(name, " \t")
		last := i == len(list)-1
		if !isToken(name) || equalFold(name, "chunked") != last {
			return errChunkedLast
		}
		if last && name != strings.Trim(c, " \t") { // chunked has no parameters
			return errChunkedLast
		}
	}
	return errCoding
}

// areParameters checks the parameters of a transfer coding (RFC 9112 7), of a quoted value its begin alone.
func areParameters(s string) bool {
	for p := range strings.SplitSeq(s, ";") {
		name, value, ok := strings.Cut(p, "=")
		value = strings.Trim(value, " \t")
		if !ok || !isToken(strings.Trim(name, " \t")) || !isToken(value) && !strings.HasPrefix(value, `"`) && !strings.Contains(s, `"`) {
			return false
		}
	}
	return true
}

// connection takes the options that this server knows (RFC 9110 7.6.1).
func (h *head) connection(value string) {
	if equalFold(value, "keep-alive") {
		h.keepAlive = true
		return
	}
	for value != "" {
		var option string
		option, value, _ = strings.Cut(value, ",")
		switch option = strings.Trim(option, " \t"); {
		case equalFold(option, "close"):
			h.close = true
		case equalFold(option, "keep-alive"):
			h.keepAlive = true
		}
	}
}

// judge checks what only the whole head shows.
func (h *head) judge() *Refusal {
	switch {
	case h.codings > 0 && h.minor == 0:
		return errOldChunked
	case h.codings > 0 && h.sized:
		return errBoth
	case h.hosts > 1, h.hosts == 0 && h.minor > 0:
		return errHosts
	case h.hosts == 1 && !cgi.ValidHost(h.host) && (h.host != "" || h.minor > 0):
		return errHost
	}
	if h.codings > 0 {
		h.length = -1
	}
	if h.length == 0 { // RFC 9110 10.1.1: there is nothing to wait for
		h.continues = false
	}
	return nil
}

// tokenBytes are the bytes of a token (RFC 9110 5.6.2).
var tokenBytes = func() (t [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		t[c] = true
	}
	return t
}()

func isToken(s string) bool {
	for i := range len(s) {
		if !tokenBytes[s[i]] {
			return false
		}
	}
	return s != ""
}

// isValue: no control byte but HTAB (RFC 9110 5.5). It looks at eight bytes at a time.
func isValue(b []byte) bool {
	const low, high = 0x0101010101010101, 0x8080808080808080
	for len(b) >= 8 {
		x := binary.LittleEndian.Uint64(b)
		below := (x - low*0x20) & ^x & high // a byte below 0x20 (bytes above 0x7f are none)
		y := x ^ low*0x7f
		del := (y - low) & ^y & high
		if below|del != 0 && !valueBytes(b[:8]) {
			return false
		}
		b = b[8:]
	}
	return valueBytes(b)
}

func valueBytes(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
