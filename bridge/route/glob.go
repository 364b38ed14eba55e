package route

import (
	"fmt"
	"regexp"
	"strings"
)

// Glob tells whether a glob matches whole paths.
type Glob struct {
	exact string         // the glob has no wildcard
	re    *regexp.Regexp // nil: exact
}

// NewGlob reads a glob as those of Match.Globs.
func NewGlob(text string) (Glob, error) {
	re, err := compileGlob(text)
	if err != nil || strings.ContainsAny(text, "*?") {
		return Glob{re: re}, err
	}
	return Glob{exact: text}, nil
}

// Match reports whether the glob matches a path, which is not changed before.
func (g Glob) Match(path string) bool {
	if g.re == nil {
		return path == g.exact
	}
	return g.re.MatchString(path)
}

// compileGlob makes a regular expression of a glob, which takes time in proportion to the path,
// whatever the glob is. "*" is any text within a segment, "?" one character of it, "**" any text,
// "/**/" also a single slash.
func compileGlob(text string) (*regexp.Regexp, error) {
	if !strings.HasPrefix(text, "/") {
		return nil, fmt.Errorf("%q does not begin with a slash; write /%s, or /**/%s for every folder", text, text, text)
	}
	var b strings.Builder
	b.WriteString("(?s)^")
	for rest := text; rest != ""; {
		switch {
		case strings.HasPrefix(rest, "/**/"):
			b.WriteString("/(?:.*/)?")
			rest = rest[len("/**/"):]
		case strings.HasPrefix(rest, "**"):
			b.WriteString(".*")
			rest = strings.TrimLeft(rest, "*")
		case rest[0] == '*':
			b.WriteString("[^/]*")
			rest = rest[1:]
		case rest[0] == '?':
			b.WriteString("[^/]")
			rest = rest[1:]
		default:
			n := strings.IndexAny(rest[1:], "*?/") + 1
			if n == 0 {
				n = len(rest)
			}
			b.WriteString(regexp.QuoteMeta(rest[:n]))
			rest = rest[n:]
		}
	}
	b.WriteString("$")
	return regexp.Compile(b.String())
}
