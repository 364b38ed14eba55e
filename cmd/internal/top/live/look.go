package live

import (
	"cmp"
	"strings"
)

// Look is what a terminal can show.
type Look struct{ ASCII, Colours bool }

// LookOf tells it from the environment.
func LookOf(getenv func(string) string) Look {
	locale := strings.ToLower(cmp.Or(getenv("LC_ALL"), getenv("LC_CTYPE"), getenv("LANG")))
	term := getenv("TERM")
	return Look{
		// The fonts of the Linux console lack most of the blocks.
		ASCII:   !strings.Contains(locale, "utf-8") && !strings.Contains(locale, "utf8") || term == "linux",
		Colours: getenv("NO_COLOR") == "" && !strings.HasPrefix(term, "vt") && !strings.HasSuffix(term, "-m") && !strings.HasSuffix(term, "-mono"),
	}
}

// Dumb says whether a terminal cannot show a screen.
func Dumb(getenv func(string) string) bool { return getenv("TERM") == "" || getenv("TERM") == "dumb" }
