package content

import (
	"bytes"
	"unicode/utf8"
)

// CharsetLook is how much of a large file is read to find its charset; bytes. Browsers read as
// much to find a meta element (HTML standard, 13.2.3.2).
const CharsetLook = 1024

// IsUTF8 reports whether a text may be declared as UTF-8, from its beginning p: its bytes are
// UTF-8, and it declares no other charset. more: the text is longer than p.
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
			break // p ends within a character
		}
		p = p[n:]
	}
	switch name := declaredCharset(head); name {
	case "", "utf-8", "utf8":
		return true
	}
	return false
}

// declaredCharset is the charset that a text declares, in lower case: by HTML's meta element,
// XML's declaration or CSS's rule; empty: none.
func declaredCharset(head []byte) string {
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
