package content

import (
	"bytes"
	"unicode/utf8"
)

// CharsetLook is how much of a large file is looked at for its charset; bytes. Browsers
// look as far for a meta element (HTML standard, 13.2.3.2).
const CharsetLook = 1024

// IsUTF8 reports whether a text may be called UTF-8, from its beginning: its bytes are,
// as far as they are there, and it does not say that it is something else. more: it goes on.
func IsUTF8(p []byte, more bool) bool {
	if bytes.IndexByte(p, 0) >= 0 { // UTF-16
		return false
	}
	head := p[:min(len(p), CharsetLook)]
	for len(p) > 0 {
		r, n := utf8.DecodeRune(p)
		if r == utf8.RuneError && n == 1 {
			if !more || utf8.FullRune(p) {
				return false
			}
			break // cut off where the look ends
		}
		p = p[n:]
	}
	switch name := saidCharset(head); name {
	case "", "utf-8", "utf8":
		return true
	}
	return false
}

// saidCharset is the charset that a text says it has, in lower case: HTML's meta
// element, XML's declaration and CSS's rule; empty: it says none.
func saidCharset(head []byte) string {
	head = bytes.ToLower(head)
	rest := []byte(nil)
	switch {
	case bytes.HasPrefix(head, []byte(`@charset "`)):
		rest = head[len(`@charset `):]
	case bytes.HasPrefix(head, []byte("<?xml")):
		declaration, _, _ := bytes.Cut(head, []byte("?>"))
		_, rest, _ = bytes.Cut(declaration, []byte("encoding="))
	default:
		for at := head; ; {
			_, element, ok := bytes.Cut(at, []byte("<meta"))
			if !ok {
				return ""
			}
			at = element
			element, _, _ = bytes.Cut(element, []byte(">"))
			if _, rest, ok = bytes.Cut(element, []byte("charset=")); ok {
				break
			}
		}
	}
	rest = bytes.TrimLeft(rest, `"' `)
	if end := bytes.IndexAny(rest, `"'; />`); end >= 0 {
		rest = rest[:end]
	}
	return string(rest)
}
