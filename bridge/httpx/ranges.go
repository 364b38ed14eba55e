package httpx

import (
	"errors"
	"net/textproto"
	"strconv"
	"strings"
)

// Span is one range of octets.
type Span struct{ Start, Length int64 }

// ContentRange is the field's value for the span of a representation of size octets.
func (s Span) ContentRange(size int64) string {
	return "bytes " + strconv.FormatInt(s.Start, 10) + "-" + strconv.FormatInt(s.Start+s.Length-1, 10) + "/" + strconv.FormatInt(size, 10)
}

// ErrUnsatisfiable: none of the ranges begins within the representation.
var ErrUnsatisfiable = errors.New("no range can be satisfied")

// ParseRange reads a Range field for a representation of size octets (RFC 9110
// 14.1.2, 14.2). Who asks for more than most parts gets the whole. None without an error: the field is to be ignored, since it is
// malformed, in another unit, or asks for more octets than there are (RFC 9110
// 17.15).
func ParseRange(field string, size int64, most int) ([]Span, error) {
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
		if asked++; asked > most {
			return nil, nil
		}
		first, last, ok := strings.Cut(part, "-")
		if !ok {
			return nil, nil
		}
		s := Span{}
		switch from, ferr := digits(first); {
		case first == "":
			n, err := digits(last)
			if err != nil {
				return nil, nil
			}
			s.Length = min(n, size)
			s.Start = size - s.Length
		case ferr != nil:
			return nil, nil
		default:
			to := size - 1
			if last != "" {
				n, err := digits(last)
				if err != nil || n < from {
					return nil, nil
				}
				to = min(n, to)
			}
			s.Start, s.Length = from, to-from+1
		}
		if s.Length <= 0 {
			continue // not satisfiable
		}
		if sum += s.Length; sum > size {
			return nil, nil
		}
		spans = append(spans, s)
	}
	if asked > 0 && len(spans) == 0 {
		return nil, ErrUnsatisfiable
	}
	return spans, nil
}

// digits reads a number without sign; one that is too large is as large as can be.
func digits(s string) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, err
	}
	return int64(min(n, 1<<62)), nil // far beyond any file, and sums do not overflow
}
