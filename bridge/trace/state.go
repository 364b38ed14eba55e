package trace

import "strings"

// What a tracestate may hold.
const (
	maxMembers = 32
	maxKey     = 256 // bytes
	maxValue   = 256 // bytes
)

// State is the tracestate that is passed on: the values of all its fields as one. Empty: there is none, or it does not
// follow the rules; then it is not passed on, and the traceparent is all the same.
func State(values []string) string {
	n := 0
	for _, v := range values {
		for v != "" {
			var member string
			member, v, _ = strings.Cut(v, ",")
			if member = strings.Trim(member, " \t"); member == "" { // allowed
				continue
			}
			key, value, ok := strings.Cut(member, "=")
			if !ok || n == maxMembers || !isKey(key) || !isValue(value) {
				return ""
			}
			n++ // a key that is there twice stays: which of its values counts is not known here
		}
	}
	switch {
	case n == 0:
		return ""
	case len(values) == 1:
		return values[0]
	}
	return strings.Join(values, ",")
}

func isKey(s string) bool {
	if s == "" || len(s) > maxKey || !isLower(s[0]) {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case isLower(c), c == '_', c == '-', c == '*', c == '/', c == '@':
		default:
			return false
		}
	}
	return true
}

func isLower(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

// isValue: s does not end in a space, which Trim has removed.
func isValue(s string) bool {
	if s == "" || len(s) > maxValue {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '=' {
			return false
		}
	}
	return true
}
