package limit

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
)

//go:embed scanners.txt
var scanners string

// ScannerPaths are the built-in paths, in the form of ParsePaths.
func ScannerPaths() []string {
	var list []string
	for line := range strings.Lines(scanners) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			list = append(list, line)
		}
	}
	return list
}

// Paths is a set of paths. It does not change.
type Paths struct {
	whole    map[string]bool // paths
	below    map[string]bool // paths with all below them
	segments map[string]bool
	begins   []string // of paths
	names    []string // begins of segments

	deepest int       // segments of the longest of below
	first   [256]bool // the first bytes of segments and names: few segments have one
}

var errPath = errors.New("is not a path; write /path, /path/ for all below it, /path* for all that begins so, or the name of a segment such as .env")

// ParsePath finds out whether a text is an item of ParsePaths.
func ParsePath(item string) error {
	stem := strings.TrimSuffix(item, "*")
	switch {
	case strings.Trim(stem, "/") == "", strings.ContainsAny(stem, "*?#% \t"), strings.Contains(stem, "//"), stem[0] != '/' && strings.Contains(stem, "/"),
		strings.ContainsFunc(stem, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return fmt.Errorf("%q %w", item, errPath)
	}
	return nil
}

// ParsePaths makes a set of the items but those of except. Items are those of ParsePath.
func ParsePaths(items, except []string) (*Paths, error) {
	p := &Paths{whole: map[string]bool{}, below: map[string]bool{}, segments: map[string]bool{}}
	for _, item := range items {
		if err := ParsePath(item); err != nil {
			return nil, err
		}
		stem, star := strings.CutSuffix(item, "*")
		switch {
		case slices.Contains(except, item):
		case star && stem[0] == '/':
			p.begins = append(p.begins, stem)
		case stem[0] != '/':
			p.first[stem[0]] = true
			if star {
				p.names = append(p.names, stem)
			} else {
				p.segments[stem] = true
			}
		case strings.HasSuffix(stem, "/"):
			stem = strings.TrimSuffix(stem, "/")
			p.below[stem] = true
			p.deepest = max(p.deepest, strings.Count(stem, "/"))
		default:
			p.whole[stem] = true
		}
	}
	return p, nil
}

// Has reports whether a path, decoded and without dot segments, is in the set. Further slashes at
// its begin, which scanners like, do not count.
func (p *Paths) Has(path string) bool {
	for strings.HasPrefix(path, "//") {
		path = path[1:]
	}
	if p.whole[path] {
		return true
	}
	for _, b := range p.begins {
		if strings.HasPrefix(path, b) {
			return true
		}
	}
	depth := 0
	for start := 0; start < len(path); {
		end := start + 1
		for end < len(path) && path[end] != '/' {
			end++
		}
		if depth++; depth <= p.deepest && p.below[path[:end]] || p.hasSegment(strings.TrimPrefix(path[start:end], "/")) {
			return true
		}
		start = end
	}
	return false
}

func (p *Paths) hasSegment(s string) bool {
	if s == "" || !p.first[s[0]] {
		return false
	}
	if p.segments[s] {
		return true
	}
	for _, b := range p.names {
		if strings.HasPrefix(s, b) {
			return true
		}
	}
	return false
}
