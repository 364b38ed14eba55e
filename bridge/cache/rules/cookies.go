package rules

import (
	"net/textproto"
	"strings"
)

// Parsers of cookies differ in what they make of blanks, quotes and empty pairs: Python's http.cookies ends a cookie at a blank,
// Werkzeug takes `a="1; b=2"` for one cookie, others for two. So only what all of them read alike is taken apart: no cookie of
// another Cookie field is ignored, or counts by its name.

// PlainCookies reports whether all apps read the same cookies from the lines of Cookie: pairs with a name that is a token and no
// attribute, and a value as of RFC 6265 4.1.1, which may have commas.
func PlainCookies(lines []string) bool {
	for _, line := range lines {
		for more := true; more; {
			var pair string
			pair, line, more = strings.Cut(line, ";")
			if pair = textproto.TrimString(pair); pair == "" && !more && len(lines) == 1 { // none, or a semicolon at the end
				return true
			}
			if name, value, ok := strings.Cut(pair, "="); !ok || !plainName(name) || !plainValue(value) {
				return false
			}
		}
	}
	return true
}

// plainName reports whether a name is a token that no parser takes for an attribute.
func plainName(name string) bool {
	if name == "" || name[0] == '$' || tokenLength(name) < len(name) {
		return false
	}
	switch strings.ToLower(name) {
	case "expires", "path", "comment", "domain", "max-age", "secure", "httponly", "version", "samesite", "partitioned":
		return false
	}
	return true
}

// plainValue reports whether a value is as in RFC 6265 4.1.1, but for commas.
func plainValue(s string) bool {
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// counted reports whether a cookie is there that ignored does not name.
func counted(lines, ignored []string) bool {
	plain := len(ignored) > 0 && PlainCookies(lines)
	for _, line := range lines {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			if pair = textproto.TrimString(pair); pair == "" {
				continue
			}
			name, _, _ := strings.Cut(pair, "=")
			if !plain || !listed(ignored, name) {
				return true
			}
		}
	}
	return false
}

// appendCookies appends the cookies that are not ignored.
func appendCookies(dst []byte, lines, ignored []string) []byte {
	if len(ignored) > 0 && !PlainCookies(lines) {
		return appendLines(dst, lines)
	}
	start := len(dst)
	for _, line := range lines {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			pair = textproto.TrimString(pair)
			name, _, _ := strings.Cut(pair, "=")
			if pair == "" || listed(ignored, name) {
				continue
			}
			if len(dst) > start {
				dst = append(dst, ';')
			}
			dst = append(dst, pair...)
		}
	}
	return dst
}
