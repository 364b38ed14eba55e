package static

import (
	"path"
	"runtime"
	"strings"
)

// wellKnown is the one name with a dot in front that is served (RFC 8615).
const wellKnown = ".well-known"

// nameOf turns the part of a path behind a mount's URL into the name of a file in its folder:
// "css/a.css"; "." is the folder itself. dir: the name ends with a slash. rest is decoded and
// begins with a slash or is empty. Not ok: no file can have that name. Nothing is repaired:
// clients resolve dot segments (RFC 3986 5.2.4), and those that remain are an attack.
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

// segmentOK refuses names that begin with a dot, so also "." and "..". On Windows a colon
// opens streams of files, and dots and blanks at the end are ignored.
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

// isScript reports whether the last part of a name is that of a script, or of a copy of one.
func (p *Mount) isScript(name string) bool {
	if len(p.Scripts) == 0 {
		return false
	}
	name = strings.ToLower(path.Base(name))
	for _, ending := range p.Scripts {
		for rest := name; ; {
			i := strings.Index(rest, ending)
			if i < 0 {
				break
			}
			if rest = rest[i+len(ending):]; rest == "" || !continues(rest[0]) {
				return true
			}
		}
	}
	return false
}

// continues reports whether c goes on with a word: ".phpx" is another ending than ".php". A digit
// does not: ".php5" is PHP too.
func continues(c byte) bool { return c >= 'a' && c <= 'z' || c >= 0x80 }

// isSource reports whether a file is Python source or a notebook: a folder that is a whole
// site may contain the app's own files. The case of letters does not count, because some
// file systems ignore it.
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
