package content

import (
	"errors"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// MaxRanges bounds the parts of one response. A request for more gets the whole
// representation (RFC 9110 14.2, 17.15). Readers of documents ask for some dozens.
const MaxRanges = 64

// Span is one range of bytes.
type Span struct{ Start, Length int64 }

// ContentRange is the field's value for the span of a representation of size bytes.
func (s Span) ContentRange(size int64) string {
	return "bytes " + strconv.FormatInt(s.Start, 10) + "-" + strconv.FormatInt(s.Start+s.Length-1, 10) + "/" + strconv.FormatInt(size, 10)
}

// ErrUnsatisfiable: none of the ranges begins within the representation.
var ErrUnsatisfiable = errors.New("no range can be satisfied")

// Ranges returns the parts of a representation of size bytes that r asks for. None
// without an error: the whole representation is the answer.
func (v Validators) Ranges(r *http.Request, size int64) ([]Span, error) {
	field := r.Header["Range"]
	if len(field) == 0 || field[0] == "" || r.Method != http.MethodGet || !v.rangeHolds(r.Header.Get("If-Range")) {
		return nil, nil
	}
	return ParseRange(field[0], size)
}

// ParseRange reads a Range field for a representation of size bytes (RFC 9110 14.1.2,
// 14.2). None without an error: the field is to be ignored, because it is malformed, in
// another unit, asks for more than MaxRanges parts, for more bytes than there are, or for
// parts that overlap (RFC 9110 17.15).
func ParseRange(field string, size int64) ([]Span, error) {
	unit, list, ok := strings.Cut(field, "=")
	if size == 0 { // clients that ask for a part of everything are not to fail here
		return nil, nil
	}
	if !ok || !strings.EqualFold(strings.TrimSpace(unit), "bytes") {
		return nil, nil
	}
	var spans []Span
	sum, asked := int64(0), 0
	for part := range strings.SplitSeq(list, ",") {
		if part = textproto.TrimString(part); part == "" {
			continue
		}
		if asked++; asked > MaxRanges {
			return nil, nil
		}
		s, ok := parseSpan(part, size)
		if !ok {
			return nil, nil
		}
		if s.Length <= 0 {
			continue // not satisfiable
		}
		if sum += s.Length; sum > size || !apart(s, spans) {
			return nil, nil
		}
		spans = append(spans, s)
	}
	if asked > 0 && len(spans) == 0 {
		return nil, ErrUnsatisfiable
	}
	return spans, nil
}

// parseSpan reads "first-last", "first-" or "-length"; not ok: it is malformed. A span
// that begins behind the end has no length.
func parseSpan(part string, size int64) (s Span, ok bool) {
	first, last, ok := strings.Cut(part, "-")
	if !ok {
		return s, false
	}
	if first == "" {
		n, ok := number(last)
		n = min(n, size)
		return Span{size - n, n}, ok
	}
	from, ok := number(first)
	to := size - 1
	if ok && last != "" {
		var n int64
		n, ok = number(last)
		ok = ok && n >= from
		to = min(n, to)
	}
	return Span{from, to - from + 1}, ok
}

// number reads digits; a number that is too large is as large as can be.
func number(s string) (n int64, ok bool) {
	u, err := strconv.ParseUint(s, 10, 63) // takes no sign
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	return int64(min(u, 1<<62)), true // far beyond any file, and sums do not overflow
}

// apart reports whether s shares no byte with any of spans.
func apart(s Span, spans []Span) bool {
	for _, o := range spans {
		if s.Start < o.Start+o.Length && o.Start < s.Start+s.Length {
			return false
		}
	}
	return true
}
