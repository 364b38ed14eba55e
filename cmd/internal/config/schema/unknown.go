package schema

import (
	"fmt"
	"slices"
	"strings"
)

// unknownKey is the sentence for a key that the table does not have, and the key that was probably meant; empty: it is not
// known.
func (s *Schema) unknownKey(scope *Scope, key string) (sentence, meant string) {
	in := ""
	if scope.around != nil && !scope.Array {
		in = scope.name()
	}
	name := join(in, key)
	if slices.Contains(s.Later, strings.ReplaceAll(key, "-", "_")) {
		return name + " is not available yet in this release", ""
	}
	for other := range s.scopes() {
		if other.Setting(key) != nil {
			return fmt.Sprintf("there is no %s here; it belongs into %s", name, s.homes(other)), ""
		}
	}
	if sentence := s.Foreign[key]; sentence != "" {
		return sentence, ""
	}
	var keys []string
	for _, one := range scope.Settings {
		keys = append(keys, one.Key)
	}
	for _, t := range scope.Tables {
		if scope.Setting(t.Key) == nil {
			keys = append(keys, t.Key)
		}
	}
	if near := Nearest(key, keys); near != "" {
		return fmt.Sprintf("there is no setting %s; did you mean %s?", name, join(in, near)), near
	}
	slices.Sort(keys)
	return fmt.Sprintf("there is no setting %s; these are: %s", name, strings.Join(keys, ", ")), ""
}

// homes are the tables of the same kind as this one, for a sentence.
func (s *Schema) homes(scope *Scope) string {
	if scope.around == nil {
		return "the top of the file, before the first table"
	}
	return strings.Join(s.headings(scope), " or ")
}

// headings are those of all tables whose rows are of the same type: their settings are documented once.
func (s *Schema) headings(scope *Scope) (out []string) {
	for other := range s.scopes() {
		if other.row == scope.row {
			out = append(out, other.Heading())
		}
	}
	return out
}
