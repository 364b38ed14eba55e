package rules

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// Limits of groups. RFC 9875 2 asks for 32 groups of 32 characters.
const (
	MaxGroups = 256
	MaxGroup  = 1024 // bytes of a name
)

// Groups returns the groups that an answer is in: Cache-Groups (RFC 9875), and its elder relatives Surrogate-Key, whose
// members are separated by spaces, and Cache-Tag, whose members are separated by commas. An answer with more groups than
// MaxGroups, or longer names than MaxGroup, is not stored: a purge would miss it.
func Groups(h http.Header) []string {
	list, _ := groupsOf(h)
	return list
}

// crowded reports whether groups are above the limits.
func crowded(h http.Header) bool {
	_, ok := groupsOf(h)
	return !ok
}

// groupsOf reads the groups; not ok: they are above the limits.
func groupsOf(h http.Header) (list []string, ok bool) {
	a, b, c := h["Cache-Groups"], h["Surrogate-Key"], h["Cache-Tag"]
	if a == nil && b == nil && c == nil {
		return nil, true
	}
	var g groups
	g.strings(a)
	for _, line := range b {
		for name := range strings.FieldsSeq(line) {
			g.add(name)
		}
	}
	for _, line := range c {
		for name := range strings.SplitSeq(line, ",") {
			g.add(textproto.TrimString(name))
		}
	}
	return g.list, !g.more
}

// InvalidatedGroups returns the groups of Cache-Group-Invalidation (RFC 9875 3), at most MaxGroups. It counts in the non-error
// response to an unsafe method only.
func InvalidatedGroups(h http.Header) []string {
	var g groups
	g.strings(h["Cache-Group-Invalidation"])
	return g.list
}

// groups collects names.
type groups struct {
	list []string
	more bool // there are names that are not in it
}

// strings adds the members of a structured list of strings. What is not such a list has no members.
func (g *groups) strings(lines []string) {
	if lines == nil {
		return
	}
	before := *g
	p := structured{s: strings.Join(lines, ",")}
	if !p.list(func(v *value) {
		if v.kind == kindString {
			g.add(v.text)
		}
	}) {
		*g = before
	}
}

func (g *groups) add(name string) {
	switch {
	case name == "" || slices.Contains(g.list, name):
	case len(name) > MaxGroup || len(g.list) == MaxGroups:
		g.more = true
	default:
		g.list = append(g.list, name)
	}
}
