package proxyproto

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// More returns how many bytes must follow p, the begin of a header, at the least: so many can be
// read without taking a byte of what is behind the header. 0: p is a whole header, for Parse.
func More(p []byte) (int, error) {
	isText := begins(p, text)
	switch {
	case !isText && !begins(p, binary2):
		return 0, ErrNone
	case len(p) < least:
		return least - len(p), nil
	case isText:
		return moreText(p)
	case len(p) < fixed2:
		return fixed2 - len(p), nil
	}
	size := fixed2 + int(binary.BigEndian.Uint16(p[fixed2-2:]))
	switch {
	case size > MaxSize:
		return 0, fmt.Errorf("%w: it has %d bytes", ErrLarge, size)
	case size < len(p):
		return 0, fmt.Errorf("%w: bytes behind its end", ErrInvalid)
	}
	return size - len(p), nil
}

// begins reports whether p begins with s, or may still.
func begins(p []byte, s string) bool {
	n := min(len(p), len(s))
	return string(p[:n]) == s[:n]
}

// moreText is More for version 1: one line.
func moreText(p []byte) (int, error) {
	missing := 0
	switch cr := bytes.IndexByte(p, '\r'); {
	case cr >= 0 && cr == len(p)-2 && p[cr+1] == '\n':
		return 0, nil
	case cr >= 0 && cr < len(p)-1, bytes.IndexByte(p, '\n') >= 0:
		return 0, fmt.Errorf("%w: its line does not end with CR LF", ErrInvalid)
	case cr >= 0:
		missing = 1
	default:
		missing = 2
		if bytes.HasPrefix(p, []byte("PROXY TCP")) { // two addresses and two ports, with blanks between
			missing += 2 * max(0, 5-bytes.Count(p, []byte(" ")))
		}
	}
	if len(p)+missing > maxText {
		return 0, fmt.Errorf("%w: a line of more than %d bytes", ErrLarge, maxText)
	}
	return missing, nil
}
