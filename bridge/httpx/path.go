package httpx

import (
	"net/url"
	"strings"
)

// CleanPath gives a request's path its one spelling, so that every reader of the path sees the same one: unreserved bytes
// are not encoded (RFC 3986 6.2.2.2), and there are no dot segments (5.2.4 and 6.2.2.3). Nothing else of it changes: other
// bytes stay encoded or not as they came, and slashes are not merged.
//
// An encoded slash is a slash in the decoded path, and is forwarded as it came. A segment ".." that an encoded slash, a
// backslash, a path parameter, a blank or a control byte hides ("..%2f", "..\", "..;x", "..%00") means different things
// to different servers: ok is false, and the request must be refused.
func CleanPath(u *url.URL) (ok bool) {
	if u.RawPath != "" { // else there is nothing encoded that net/url would not encode
		u.RawPath = decodeUnreserved(u.RawPath)
	}
	if !strings.Contains(u.Path, "/.") && strings.IndexByte(u.Path, '\\') < 0 {
		return true // nearly every request
	}
	if raw := RawPath(u); strings.HasPrefix(raw, "/") {
		if clean := RemoveDots(raw); clean != raw {
			path, err := url.PathUnescape(clean)
			if err != nil {
				return false
			}
			u.Path, u.RawPath = path, clean
		}
	}
	for rest := u.Path; rest != ""; {
		i := strings.IndexAny(rest, `/\`)
		segment := rest
		if rest = ""; i >= 0 {
			segment, rest = segment[:i], segment[i+1:]
		}
		if after, up := strings.CutPrefix(segment, ".."); up && (after == "" || after[0] == ';' || after[0] <= ' ' || after[0] == 0x7f) {
			return false
		}
	}
	return true
}

// decodeUnreserved decodes the bytes that mean the same encoded or not (RFC 3986 2.3).
func decodeUnreserved(raw string) string {
	var out []byte // nil: nothing has changed yet
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c == '%' && i+2 < len(raw) {
			if b, ok := unhex(raw[i+1], raw[i+2]); ok && unreserved(b) {
				if out == nil {
					out = append(make([]byte, 0, len(raw)), raw[:i]...)
				}
				out = append(out, b)
				i += 2
				continue
			}
		}
		if out != nil {
			out = append(out, c)
		}
	}
	if out == nil {
		return raw
	}
	return string(out)
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

func unhex(a, b byte) (c byte, ok bool) {
	x, y := strings.IndexByte(hexDigits, a|0x20), strings.IndexByte(hexDigits, b|0x20)
	return byte(x<<4 | y), x >= 0 && y >= 0
}

const hexDigits = "0123456789abcdef"

// OneSlash is a path with each run of slashes as one.
func OneSlash(path string) string {
	if !strings.Contains(path, "//") {
		return path // nearly every request
	}
	out := make([]byte, 0, len(path))
	for i := range len(path) {
		if path[i] != '/' || i == 0 || path[i-1] != '/' {
			out = append(out, path[i])
		}
	}
	return string(out)
}

// SetRawPath makes raw, which begins with a slash, the path of a URL, in its one spelling. Not ok: it is not encoded as it
// must be, or CleanPath refuses it; the URL is then not to be used.
func SetRawPath(u *url.URL, raw string) (ok bool) {
	path, err := url.PathUnescape(raw)
	if err != nil {
		return false
	}
	u.Path, u.RawPath = path, raw
	return CleanPath(u)
}

// CutRawPrefix removes the first n bytes of the decoded path from an encoded one. What is left begins with a slash, also when
// that came encoded, or is empty.
func CutRawPrefix(raw string, n int) string {
	for range n {
		if raw[0] == '%' {
			raw = raw[3:]
		} else {
			raw = raw[1:]
		}
	}
	if raw != "" && raw[0] == '%' {
		raw = "/" + raw[3:]
	}
	return raw
}

// RawPath is a path as it came; net/url's EscapedPath encodes bytes that net/url would encode.
func RawPath(u *url.URL) string {
	if u.RawPath != "" {
		return u.RawPath
	}
	return u.EscapedPath()
}

// RemoveDots removes "." and ".." from an encoded path that begins with a slash.
func RemoveDots(raw string) string {
	segments := strings.Split(raw[1:], "/")
	out := segments[:0]
	changed := false
	for i, s := range segments {
		n := dots(s)
		if n == 0 {
			out = append(out, s)
			continue
		}
		changed = true
		if n == 2 && len(out) > 0 {
			out = out[:len(out)-1]
		}
		if i == len(segments)-1 {
			out = append(out, "")
		}
	}
	if !changed {
		return raw
	}
	return "/" + strings.Join(out, "/")
}

// dots is 1 for the segment ".", 2 for "..", 0 for any other; "%2e" is a dot.
func dots(s string) (n int) {
	for s != "" {
		switch {
		case s[0] == '.':
			s = s[1:]
		case len(s) >= 3 && s[0] == '%' && s[1] == '2' && s[2]|0x20 == 'e':
			s = s[3:]
		default:
			return 0
		}
		if n++; n > 2 {
			return 0
		}
	}
	return n
}
