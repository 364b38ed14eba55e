package bridge

import (
	"errors"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// span is one range of octets.
type span struct{ start, length int64 }

func (s span) contentRange(size int64) string {
	return "bytes " + strconv.FormatInt(s.start, 10) + "-" + strconv.FormatInt(s.start+s.length-1, 10) + "/" + strconv.FormatInt(size, 10)
}

// errUnsatisfiable: none of the ranges begins within the representation.
var errUnsatisfiable = errors.New("no range can be satisfied")

// maxSpans bounds the parts of one answer. Who asks for more gets the whole.
const maxSpans = 64

// parseRange reads a Range field for a representation of size octets (RFC 9110
// 14.1.2, 14.2). None without an error: the field is to be ignored, since it is
// malformed, in another unit, or asks for more octets than there are (RFC 9110
// 17.15).
func parseRange(field string, size int64) ([]span, error) {
	unit, list, ok := strings.Cut(field, "=")
	if !ok || !strings.EqualFold(strings.TrimSpace(unit), "bytes") {
		return nil, nil
	}
	var spans []span
	sum, asked := int64(0), 0
	for part := range strings.SplitSeq(list, ",") {
		if part = textproto.TrimString(part); part == "" {
			continue
		}
		if asked++; asked > maxSpans {
			return nil, nil
		}
		first, last, ok := strings.Cut(part, "-")
		if !ok {
			return nil, nil
		}
		s := span{}
		switch from, ferr := digits(first); {
		case first == "":
			n, err := digits(last)
			if err != nil {
				return nil, nil
			}
			s.length = min(n, size)
			s.start = size - s.length
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
			s.start, s.length = from, to-from+1
		}
		if s.length <= 0 {
			continue // not satisfiable
		}
		if sum += s.length; sum > size {
			return nil, nil
		}
		spans = append(spans, s)
	}
	if asked > 0 && len(spans) == 0 {
		return nil, errUnsatisfiable
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

// validators are what an answer says of its representation (RFC 9110 8.8).
type validators struct {
	etag     string
	modified time.Time // zero: not said
}

func validatorsOf(fold func(name string) string) validators {
	v := validators{etag: textproto.TrimString(fold("ETag"))}
	if at, err := http.ParseTime(fold("Last-Modified")); err == nil {
		v.modified = at
	}
	return v
}

// rangeHolds says whether If-Range lets Range count (RFC 9110 13.1.5).
func (v validators) rangeHolds(field string) bool {
	switch {
	case field == "":
		return true
	case strings.HasPrefix(field, `"`) || strings.HasPrefix(field, "W/"):
		return field == v.etag && !strings.HasPrefix(field, "W/")
	}
	at, err := http.ParseTime(field)
	return err == nil && !v.modified.IsZero() && at.Equal(v.modified)
}

// judge evaluates the conditions of a GET or HEAD in the order of RFC 9110 13.2.2:
// 304, 412, or 0 for "go on".
func (v validators) judge(h http.Header) int {
	if list := h.Values("If-Match"); len(list) > 0 {
		if !v.matches(list, true) {
			return http.StatusPreconditionFailed
		}
	} else if at, err := http.ParseTime(h.Get("If-Unmodified-Since")); err == nil && v.modified.After(at) {
		return http.StatusPreconditionFailed
	}
	if list := h.Values("If-None-Match"); len(list) > 0 {
		if v.matches(list, false) {
			return http.StatusNotModified
		}
	} else if at, err := http.ParseTime(h.Get("If-Modified-Since")); err == nil && !v.modified.IsZero() && !v.modified.After(at) {
		return http.StatusNotModified
	}
	return 0
}

// matches compares entity tags, strongly or weakly (RFC 9110 8.8.3.2).
func (v validators) matches(list []string, strong bool) bool {
	for _, field := range list {
		for rest := field; ; {
			rest = strings.TrimLeft(rest, " \t,")
			if rest == "" {
				break
			}
			if rest[0] == '*' {
				return true
			}
			tag, after, ok := cutTag(rest)
			if !ok {
				break
			}
			if strong && tag == v.etag && !strings.HasPrefix(tag, "W/") ||
				!strong && v.etag != "" && strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(v.etag, "W/") {
				return true
			}
			rest = after
		}
	}
	return false
}

// cutTag takes an entity tag off the front of s.
func cutTag(s string) (tag, rest string, ok bool) {
	start := len(s) - len(strings.TrimPrefix(s, "W/"))
	if start == len(s) || s[start] != '"' {
		return "", "", false
	}
	end := strings.IndexByte(s[start+1:], '"')
	if end < 0 {
		return "", "", false
	}
	end += start + 2
	return s[:end], s[end:], true
}
