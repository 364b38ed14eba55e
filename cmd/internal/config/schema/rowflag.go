package schema

import (
	"fmt"
	"strings"
)

// ParseRow reads a row that one flag gives: KEY=VALUE pairs between commas, with the keys of the scope. example is such a
// text for messages. Relative paths are relative to dir.
func (s *Schema) ParseRow(scope *Scope, text string, src Source, dir, example string, bad *Problems) *Table {
	r := &rowReader{table: &Table{Src: src}, scope: scope, text: text, dir: dir, seen: make(map[*Setting]int)}
	fields, err := splitQuoted(text)
	if err != nil {
		bad.Add(src, "%q: %v", text, err)
		r.unreadVital()
	}
	for _, f := range fields {
		key, value, ok := strings.Cut(f, "=")
		if !ok {
			bad.Add(src, "%q: %q is not KEY=VALUE; write %s", text, f, example)
			r.unreadVital() // most likely
			continue
		}
		one := scope.Setting(strings.ReplaceAll(key, "-", "_"))
		if one == nil {
			sentence, meant := s.unknownKey(scope, key)
			bad.Add(src, "%q: %s", text, sentence)
			r.unread(scope.Setting(meant))
			continue
		}
		if err := r.add(one, key, unquote(value)); err != nil {
			bad.Add(src, "%q: %v", text, err)
		}
	}
	return r.table
}

// rowReader reads one row.
type rowReader struct {
	table     *Table
	scope     *Scope
	text, dir string
	seen      map[*Setting]int // where it stands in table.Givens
}

func (r *rowReader) add(s *Setting, key, value string) error {
	if s.Key == "name" {
		r.table.Name = value
	}
	if i, again := r.seen[s]; again {
		if s.Kind != List && s.Kind != Pairs {
			return fmt.Errorf("duplicate key %s", key)
		}
		r.table.Givens[i].In.Values = append(r.table.Givens[i].In.Values, value)
		return nil
	}
	r.seen[s] = len(r.table.Givens)
	r.table.Givens = append(r.table.Givens, Given{Setting: s, In: Input{Values: []string{value}, Src: r.table.Src, Base: r.dir}})
	return nil
}

func (r *rowReader) unread(s *Setting) {
	if s != nil {
		r.table.Givens = append(r.table.Givens, Given{Setting: s, In: Input{Src: r.table.Src}, Bad: true})
	}
}

// unreadVital is for a text of which it is not known what it sets.
func (r *rowReader) unreadVital() {
	for _, s := range r.scope.Settings {
		if s.Vital {
			r.unread(s)
		}
	}
}

// splitQuoted cuts at commas outside of quotes and parentheses. Quotes around a whole field are removed, those inside
// stay.
func splitQuoted(s string) ([]string, error) {
	var out []string
	var quote byte
	depth, from := 0, 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth <= 0:
			out = append(out, s[from:i])
			from = i + 1
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("the %c is never closed", quote)
	}
	out = append(out, s[from:])
	fields := out[:0]
	for _, f := range out {
		if f = unquote(strings.TrimSpace(f)); f != "" {
			fields = append(fields, f)
		}
	}
	return fields, nil
}

// unquote removes quotes that surround all of s.
func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] && !strings.ContainsRune(s[1:len(s)-1], rune(s[0])) {
		return s[1 : len(s)-1]
	}
	return s
}
