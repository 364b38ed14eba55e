package screen

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// mostMarks is how many combining marks a letter keeps. Languages need two; more are noise that runs into other lines.
const mostMarks = 2

// Clean returns text without what could control a terminal or has no certain width: control characters and invalid UTF-8
// are '?', a tab or a newline is a space, and joiners, variation selectors, skin tones and marks of direction are left out.
func Clean(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	marks := mostMarks // a mark without a letter is left out
	emoji := false
	for i, r := range s {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			b.WriteByte(' ')
			marks, emoji = 0, false
		case r == utf8.RuneError && isBroken(s[i:]), unicode.IsControl(r), unicode.Is(unicode.Cs, r), unicode.Is(unicode.Co, r), r == '\u2028', r == '\u2029':
			b.WriteByte('?')
			marks, emoji = 0, false
		case unicode.Is(unicode.Cf, r), r >= 0xFE00 && r <= 0xFE0F, r >= 0xE0100 && r <= 0xE01EF, emoji && r >= 0x1F3FB && r <= 0x1F3FF:
			// no width of their own; and terminals disagree on that of what they join
		case unicode.In(r, unicode.Mn, unicode.Me), isJoined(r):
			if marks < mostMarks {
				b.WriteRune(r)
				marks++
			}
		case !unicode.IsGraphic(r):
			b.WriteByte('?')
			marks, emoji = 0, false
		default:
			b.WriteRune(r)
			marks, emoji = 0, r >= 0x1F000
		}
	}
	return b.String()
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// isBroken says whether the replacement character at the beginning of s stands for an invalid byte.
func isBroken(s string) bool { _, n := utf8.DecodeRuneInString(s); return n == 1 }

// isJoined says whether r is the second or third part of a Korean syllable that is written in parts.
func isJoined(r rune) bool { return r >= 0x1160 && r <= 0x11FF }

// runeWidth is the number of cells of a character of clean text.
func runeWidth(r rune) int {
	if r < 0x300 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me) || isJoined(r) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// next returns the first character of clean text with its marks, its width in cells, and the rest.
func next(s string) (char string, cells int, rest string) {
	r, n := utf8.DecodeRuneInString(s)
	cells = runeWidth(r)
	for n < len(s) {
		m, size := utf8.DecodeRuneInString(s[n:])
		if m < 0x300 || runeWidth(m) != 0 {
			break
		}
		n += size
	}
	return s[:n], cells, s[n:]
}

// Width is the number of cells that text takes.
func Width(s string) int {
	s = Clean(s)
	if plain(s) {
		return len(s)
	}
	n := 0
	for s != "" {
		var cells int
		_, cells, s = next(s)
		n += cells
	}
	return n
}

// Clip returns text that takes at most so many cells; what is cut off is an ellipsis.
func Clip(s string, most int) string {
	s = Clean(s)
	if Width(s) <= most {
		return s
	}
	if most <= 0 {
		return ""
	}
	n, rest := 0, s
	for rest != "" {
		_, cells, after := next(rest)
		if n+cells > most-1 {
			break
		}
		n, rest = n+cells, after
	}
	return s[:len(s)-len(rest)] + "…"
}

// ClipLeft is Clip that keeps the end.
func ClipLeft(s string, most int) string {
	s = Clean(s)
	have := Width(s)
	if have <= most {
		return s
	}
	if most <= 0 {
		return ""
	}
	for have > most-1 {
		_, cells, rest := next(s)
		have, s = have-cells, rest
	}
	return "…" + s
}
