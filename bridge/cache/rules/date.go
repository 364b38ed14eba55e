package rules

import (
	"net/http"
	"net/textproto"
	"strings"
	"time"
)

// date reads an HTTP-date in any of its three formats (RFC 9110 5.6.7). now decides the century of a year of two digits.
func date(s string, now time.Time) (t time.Time, ok bool) {
	if s = textproto.TrimString(s); len(s) > 64 {
		return t, false
	}
	t, err := http.ParseTime(s)
	if err != nil {
		return t, false
	}
	if strings.Contains(s, "day, ") { // RFC 850, whose zone net/http does not look at
		if !strings.HasSuffix(strings.ToUpper(s), " GMT") {
			return t, false
		}
		for t.After(now.AddDate(50, 0, 0)) {
			t = t.AddDate(-100, 0, 0)
		}
		for t.AddDate(100, 0, 0).Before(now.AddDate(50, 0, 0)) {
			t = t.AddDate(100, 0, 0)
		}
	}
	return t, true
}

// earliest reads a field that has one date. Of several the earliest counts, and ok means that each is a date.
func earliest(lines []string, now time.Time) (t time.Time, ok bool) {
	for i, line := range lines {
		at, valid := date(line, now)
		if !valid {
			return t, false
		}
		if i == 0 || at.Before(t) {
			t = at
		}
	}
	return t, len(lines) > 0
}

// age reads Age (RFC 9111 5.1). Not ok: the field is there and is no age.
// Of a list the first member counts. Several lines, and a list that says the same twice, are what remains of
// several ages that no cache can tell apart: the response counts as stale.
func age(lines []string) (t time.Duration, ok bool) {
	switch len(lines) {
	case 0:
		return 0, true
	case 1:
	default:
		return 0, false
	}
	first, others, list := strings.Cut(lines[0], ",")
	if t, ok = seconds(textproto.TrimString(first)); !ok {
		return 0, false
	}
	if list {
		second, _, _ := strings.Cut(others, ",")
		if again, ok := seconds(textproto.TrimString(second)); ok && again == t {
			return 0, false
		}
	}
	return t, true
}
