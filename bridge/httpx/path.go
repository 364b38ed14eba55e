package httpx

import (
	"net/url"
	"strings"
)

// CleanPath removes the dot segments of a request's path (RFC 3986 5.2.4 and 6.2.2.3), also those with an encoded dot
// (6.2.2.2), so that every reader of the path sees the same one. Nothing else of it changes: other bytes stay encoded or
// not as they came, and slashes are not merged.
//
// An encoded slash is a slash in the decoded path, and is forwarded as it came. A segment ".." that an encoded slash, a
// backslash, a path parameter, a blank or a control byte hides ("..%2f", "..\", "..;x", "..%00") means different things
// to different servers: ok is false, and the request must be refused.
func CleanPath(u *url.URL) (ok bool) {
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
