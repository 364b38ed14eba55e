package httpx

import (
	"net/http"
	"net/textproto"
	"strings"
	"time"
)

// Validators are what an answer says of its representation (RFC 9110 8.8).
type Validators struct {
	ETag     string
	Modified time.Time // zero: not said
	// Weakened: the strong tag also goes out in its weak form, with what is compressed
	// on the way. If-Match may name that one.
	Weakened bool
}

// ValidatorsOf reads them from the fields of an answer; fold finds a field in any spelling.
func ValidatorsOf(fold func(name string) string) Validators {
	v := Validators{ETag: textproto.TrimString(fold("ETag"))}
	if at, err := http.ParseTime(fold("Last-Modified")); err == nil {
		v.Modified = at
	}
	return v
}

// RangeHolds says whether If-Range lets Range count (RFC 9110 13.1.5). A date counts
// only where the tag beside it is no weak one: both would then be of a moment ago.
func (v Validators) RangeHolds(field string) bool {
	switch {
	case field == "":
		return true
	case strings.HasPrefix(field, `"`) || strings.HasPrefix(field, "W/"):
		return field == v.ETag && !strings.HasPrefix(field, "W/")
	}
	at, err := http.ParseTime(field)
	return err == nil && !v.Modified.IsZero() && at.Equal(v.Modified) && !strings.HasPrefix(v.ETag, "W/")
}

// Judge evaluates the conditions of a GET or HEAD in the order of RFC 9110 13.2.2:
// 304, 412, or 0 for "go on".
func (v Validators) Judge(h http.Header) int {
	if list := h.Values("If-Match"); len(list) > 0 {
		if !v.matches(list, true) {
			return http.StatusPreconditionFailed
		}
	} else if at, err := http.ParseTime(h.Get("If-Unmodified-Since")); err == nil && v.Modified.After(at) {
		return http.StatusPreconditionFailed
	}
	if list := h.Values("If-None-Match"); len(list) > 0 {
		if v.matches(list, false) {
			return http.StatusNotModified
		}
	} else if at, err := http.ParseTime(h.Get("If-Modified-Since")); err == nil && !v.Modified.IsZero() && !v.Modified.After(at) {
		return http.StatusNotModified
	}
	return 0
}

// matches compares entity tags, strongly or weakly (RFC 9110 8.8.3.2).
func (v Validators) matches(list []string, strong bool) bool {
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
			if strong && v.Weakened {
				tag = strings.TrimPrefix(tag, "W/")
			}
			if strong && tag == v.ETag && !strings.HasPrefix(tag, "W/") ||
				!strong && v.ETag != "" && strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(v.ETag, "W/") {
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
