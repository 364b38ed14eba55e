package static

import (
	"runtime"
	"strings"
)

// wellKnown is the one name with a dot in front that is served (RFC 8615).
const wellKnown = ".well-known"

// nameOf makes of what follows a place's URL the name of a file beneath its folder:
// "css/a.css"; "." is the folder itself. dir: a slash ends it. rest is decoded and
// begins with a slash or is empty. Not ok: no file can have that name. Nothing is
// repaired: a client has resolved its dot segments (RFC 3986 5.2.4), and what is left
// of them is somebody's attempt.
func nameOf(rest string) (name string, dir, ok bool) {
	if rest == "" {
		return ".", false, true
	}
	rest = rest[1:]
	if rest == "" {
		return ".", true, true
	}
	if rest[len(rest)-1] == '/' {
		rest, dir = rest[:len(rest)-1], true
	}
	start := 0
	for i := 0; i <= len(rest); i++ {
		if i == len(rest) || rest[i] == '/' {
			if !segmentOK(rest[start:i], start == 0, runtime.GOOS == "windows") {
				return "", false, false
			}
			start = i + 1
			continue
		}
		if c := rest[i]; c < ' ' || c == 0x7f || c == '\\' {
			return "", false, false
		}
	}
	return rest, dir, true
}

// segmentOK refuses names with a dot in front, and with that "." and "..". On Windows
// a colon opens streams of files, and dots and blanks at the end do not count.
func segmentOK(s string, first, windows bool) bool {
	switch {
	case s == "":
		return false
	case s[0] == '.':
		return first && s == wellKnown
	case windows:
		return !strings.ContainsAny(s, `:*?"<>|`) && s[len(s)-1] != '.' && s[len(s)-1] != ' '
	}
	return true
}

// isSource: where the whole site is one folder, the app's own files may lie in it.
// Letters of either case count: a file system may not tell them apart.
func isSource(name string) bool {
	for seg := range strings.SplitSeq(name, "/") {
		if strings.EqualFold(seg, "__pycache__") {
			return true
		}
	}
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return false
	}
	switch strings.ToLower(name[dot+1:]) {
	case "py", "pyc", "pyo", "pyi", "pyw", "pyx", "pxd", "pyd", "pyz", "ipynb", "wsgi":
		return true
	case "br", "zst", "gz":
		return isSource(name[:dot])
	}
	return false
}
