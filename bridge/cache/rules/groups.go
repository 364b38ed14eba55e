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
// members are separated by spaces, and Cache-Tag, whose members are separated by commas.
func Groups(h http.Header) []string {
	list := groupStrings(nil, h["Cache-Groups"])
	for _, line := range h["Surrogate-Key"] {
		for name := range strings.FieldsSeq(line) {
			list = addGroup(list, name)
		}
	}
	for _, line := range h["Cache-Tag"] {
		for name := range strings.SplitSeq(line, ",") {
			list = addGroup(list, textproto.TrimString(name))
		}
	}
	return list
}

// InvalidatedGroups returns the groups of Cache-Group-Invalidation (RFC 9875 3). It counts in the non-error response to an
// unsafe method only.
func InvalidatedGroups(h http.Header) []string {
	return groupStrings(nil, h["Cache-Group-Invalidation"])
}

// groupStrings adds the members of a structured list of strings. What is not such a list has no members.
func groupStrings(list []string, lines []string) []string {
	if lines == nil {
		return list
	}
	p := structured{s: strings.Join(lines, ",")}
	start := len(list)
	ok := p.list(func(v *value) {
		if v.kind == kindString {
			list = addGroup(list, v.text)
		}
	})
	if !ok {
		return list[:start]
	}
	return list
}

func addGroup(list []string, name string) []string {
	if name == "" || len(name) > MaxGroup || len(list) >= MaxGroups || slices.Contains(list, name) {
		return list
	}
	return append(list, name)
}
