package httpx

import "strings"

// TypeList is a list of media types: "text/*", "application/json", "*/*+xml" (all types with
// that suffix), "*". Lower case.
type TypeList []string

// Has reports whether a Content-Type is in the list, whatever its parameters.
func (l TypeList) Has(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	t = strings.ToLower(strings.TrimSpace(t))
	if t == "" {
		return false
	}
	for _, p := range l {
		switch {
		case p == t, p == "*":
			return true
		case strings.HasSuffix(p, "/*"):
			if strings.HasPrefix(t, p[:len(p)-1]) {
				return true
			}
		case strings.HasPrefix(p, "*/*"):
			if strings.HasSuffix(t, p[3:]) {
				return true
			}
		}
	}
	return false
}
