package schema

import (
	"io/fs"
	"strings"
)

// document gives the settings of a table the texts of the fragment of this name, if there is one. A text of a setting that
// has one in the program stays.
func (s *Schema) document(scope *Scope, name string) {
	if s.docTexts == nil {
		return
	}
	text, err := fs.ReadFile(s.docTexts, name+".md")
	if err != nil {
		return
	}
	intro, byKey := readTexts(string(text))
	if scope.Doc == "" {
		scope.Doc = intro
	}
	for _, one := range scope.Settings {
		if one.Doc == "" {
			one.Doc = byKey[one.Key]
		}
	}
}

// readTexts reads a fragment: what is in front of the first heading is about the table, what follows a heading "## key" is
// about this key. Line breaks within a paragraph are blanks.
func readTexts(text string) (intro string, byKey map[string]string) {
	byKey = make(map[string]string)
	parts := strings.Split("\n"+text, "\n## ")
	for _, part := range parts[1:] {
		key, rest, _ := strings.Cut(part, "\n")
		byKey[strings.TrimSpace(key)] = strings.Join(strings.Fields(rest), " ")
	}
	return strings.TrimSpace(parts[0]), byKey
}
