package logtext

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Bounds, in bytes as written. Longer text ends with "...+N" for N bytes that were left out.
const (
	Word   = 128  // a method, a version, a field's name
	Line   = 1024 // a header field
	Target = 2048 // a request target
)

// itself are the bytes that every form writes unchanged: printable ASCII but for the quote and
// the backslash.
var itself = func() (t [256]bool) {
	for c := ' '; c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// harmless counts such bytes at the beginning of s.
func harmless(s string) int {
	for i := range len(s) {
		if !itself[s[i]] {
			return i
		}
	}
	return len(s)
}

const hexDigits = "0123456789abcdef"

func hex(b []byte, c byte) []byte { return append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15]) }

// Append adds s to b for a line of text: printable text stays, every other byte
// becomes \xHH, the quote and the backslash too. At most limit bytes are added, and then the
// count of bytes that were left out.
func Append(b []byte, s string, limit int) []byte {
	if len(s) <= limit && harmless(s) == len(s) { // nearly always
		return append(b, s...)
	}
	return bounded(b, s, limit, func(b []byte, s string) ([]byte, int) {
		r, size := utf8.DecodeRuneInString(s)
		if r < utf8.RuneSelf || r == utf8.RuneError && size == 1 || !unicode.IsPrint(r) {
			for i := range size {
				b = hex(b, s[i])
			}
			return b, size
		}
		return append(b, s[:size]...), size
	})
}

// AppendJSON adds s to b as the inside of a JSON string (RFC 8259 7). Bytes that are
// not UTF-8 become the four characters \xHH. The limit is that of Append.
func AppendJSON(b []byte, s string, limit int) []byte {
	if len(s) <= limit && harmless(s) == len(s) { // nearly always
		return append(b, s...)
	}
	return bounded(b, s, limit, func(b []byte, s string) ([]byte, int) {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == '"' || r == '\\':
			return append(b, '\\', s[0]), 1
		case r == '\n':
			return append(b, '\\', 'n'), 1
		case r == utf8.RuneError && size == 1:
			return append(b, '\\', '\\', 'x', hexDigits[s[0]>>4], hexDigits[s[0]&15]), 1
		case r < 1<<16 && !unicode.IsPrint(r):
			return append(b, '\\', 'u', hexDigits[r>>12], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15]), size
		}
		return append(b, s[:size]...), size
	})
}

// bounded adds s to b; one adds the first character of its argument, which is not
// harmless, and returns how many bytes it has.
func bounded(b []byte, s string, limit int, one func([]byte, string) ([]byte, int)) []byte {
	end := len(b) + limit
	for i := 0; i < len(s); {
		if n := harmless(s[i:]); n > 0 {
			n = min(n, end-len(b))
			b = append(b, s[i:i+n]...)
			i += n
			if i < len(s) && len(b) == end {
				return left(b, len(s)-i)
			}
			continue
		}
		before := len(b)
		var n int
		if b, n = one(b, s[i:]); len(b) > end {
			return left(b[:before], len(s)-i)
		}
		i += n
	}
	return b
}

// left adds how many bytes are missing, without a space, so that a line keeps its words.
func left(b []byte, n int) []byte {
	return strconv.AppendInt(append(b, "...+"...), int64(n), 10)
}

// Cut is s, or its first bytes and the count of the others. It escapes nothing: it is for values
// that become part of a field.
func Cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	n := limit
	for n > 0 && n > limit-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return string(left(append(make([]byte, 0, n+16), s[:n]...), len(s)-n))
}
