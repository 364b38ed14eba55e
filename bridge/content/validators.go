package content

import (
	"net/http"
	"net/textproto"
	"strings"
	"time"
)

// Validators are what a response says of its representation (RFC 9110 8.8).
type Validators struct {
	ETag     string
	Modified time.Time // zero: unknown
	// Weakened: the strong tag also goes out in its weak form, with a response that is
	// compressed on the way. If-Match may name that form.
	Weakened bool
}

// ValidatorsOf reads them from the fields of a response; fold finds a field in any spelling.
func ValidatorsOf(fold func(name string) string) Validators {
	v := Validators{ETag: textproto.TrimString(fold("ETag"))}
	if at, err := http.ParseTime(fold("Last-Modified")); err == nil {
		v.Modified = at
	}
	return v
}

// rangeHolds reports whether If-Range lets Range count (RFC 9110 13.1.5). A date counts
// only beside a strong tag: with a weak one the file may have changed within the second.
func (v Validators) rangeHolds(field string) bool {
	switch {
	case field == "":
		return true
	case strings.HasPrefix(field, `"`) || strings.HasPrefix(field, "W/"):
		return field == v.ETag && !strings.HasPrefix(field, "W/")
	}
	at, err := http.ParseTime(field)
	return err == nil && !v.Modified.IsZero() && at.Equal(v.Modified) && !strings.HasPrefix(v.ETag, "W/")
}

// Evaluate evaluates the conditions of a GET or HEAD in the order of RFC 9110 13.2.2. It
// returns 304, 412, or 0: the conditions hold.
func (v Validators) Evaluate(h http.Header) int {
	match, none := h["If-Match"], h["If-None-Match"]
	unmodified, modified := h["If-Unmodified-Since"], h["If-Modified-Since"]
	if match == nil && unmodified == nil {
		if none == nil && modified == nil { // nearly every request
			return 0
		}
		if len(none) == 1 && none[0] == v.ETag && v.ETag != "" { // nearly every condition
			return http.StatusNotModified
		}
	}
	if len(match) > 0 {
		if !v.matches(match, true) {
			return http.StatusPreconditionFailed
		}
	} else if at, err := http.ParseTime(h.Get("If-Unmodified-Since")); err == nil && v.Modified.After(at) {
		return http.StatusPreconditionFailed
	}
	if len(none) > 0 {
		if v.matches(none, false) {
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
