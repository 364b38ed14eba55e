package schema

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Given is what one layer says about one setting, before it is read.
type Given struct {
	Setting *Setting
	For     string // the name of the row that it is for; empty: all rows, or the row whose Table has it
	In      Input
	Bad     bool // it could not be read, and a problem says so; In has only its source
}

// Table is what one table of the file says, or one flag that stands for a table.
type Table struct {
	Name   string // the value of name; empty: none was given
	Src    Source
	Givens []Given
	Tables map[*Scope][]*Table // within it
}

// File is what a configuration file says.
type File struct {
	Top    *Table
	Failed bool            // it could not be read at all
	lost   map[*Scope]bool // something in the file is probably meant for a row of this table, and is in none
}

// tomlReader walks a decoded document with the line of each key at hand.
type tomlReader struct {
	schema *Schema
	name   string // the file's name, for messages
	base   string // the file's folder
	lines  map[string]keyPlace
	lost   map[*Scope]bool
	bad    *Problems

	env        Environment
	variables  map[string][]string // the variables that each text names, by its path
	unexpanded []string            // paths of texts whose variables are missing
}

// ParseTOML reads a file's text. shown is its name in messages, base its folder; env has the variables that texts name.
// Problems are added to bad.
func (s *Schema) ParseTOML(text []byte, shown, base string, env Environment, bad *Problems) *File {
	doc := map[string]any{}
	if err := toml.Unmarshal(text, &doc); err != nil {
		where := shown
		if de, ok := errors.AsType[*toml.DecodeError](err); ok {
			row, _ := de.Position()
			where = fmt.Sprintf("%s:%d", shown, row)
		}
		bad.At(where, "%s", strings.TrimPrefix(err.Error(), "toml: "))
		return &File{Top: &Table{}, Failed: true}
	}
	r := &tomlReader{schema: s, name: shown, base: base, lines: keyLines(text), lost: make(map[*Scope]bool), bad: bad, env: env, variables: make(map[string][]string)}
	r.expand("", doc)
	return &File{Top: r.table("", doc, s.Top), lost: r.lost}
}

func (r *tomlReader) src(path string) Source {
	if n := r.lines[path].line; n > 0 {
		return Source{Kind: FromFile, Where: fmt.Sprintf("%s:%d", r.name, n)}
	}
	if i := strings.LastIndexByte(path, '['); i > 0 && strings.HasSuffix(path, "]") { // an element stands where its array does
		return r.src(path[:i])
	}
	return Source{Kind: FromFile, Where: r.name}
}

// keys are the keys of m in the order of the file.
func (r *tomlReader) keys(path string, m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool {
		a, b := r.lines[join(path, keys[i])], r.lines[join(path, keys[j])]
		return cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(keys[i], keys[j])) < 0
	})
	return keys
}

// table reads the keys of one table. Unknown ones are problems.
func (r *tomlReader) table(path string, m map[string]any, scope *Scope) *Table {
	out := &Table{Src: r.src(path), Tables: make(map[*Scope][]*Table)}
	out.Name, _ = m["name"].(string)
	for _, key := range r.keys(path, m) {
		at := join(path, key)
		setting, child := scope.Setting(key), scope.Table(key)
		switch {
		case child != nil && (setting == nil || isTable(m[key])):
			out.Tables[child] = append(out.Tables[child], r.tables(at, m[key], child)...)
		case setting != nil:
			out.Givens = append(out.Givens, r.given(at, setting, m[key])...)
		default:
			out.Givens = append(out.Givens, r.unknown(at, key, scope)...)
		}
	}
	return out
}

// tables reads a table, or an array of tables.
func (r *tomlReader) tables(path string, v any, scope *Scope) (out []*Table) {
	if m, ok := v.(map[string]any); ok && !scope.Array {
		return []*Table{r.table(path, m, scope)}
	}
	list, ok := v.([]any)
	switch {
	case !scope.Array:
		r.bad.Add(r.src(path), "%s is a table; write %s", scope.Key, scope.Heading())
	case !ok:
		r.lost[scope] = true
		r.bad.Add(r.src(path), "%s is an array of tables; write %s with two brackets", scope.Key, scope.Heading())
	}
	for i, e := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		m, ok := e.(map[string]any)
		if !ok && scope.Array {
			r.lost[scope] = true
			r.bad.Add(r.src(at), "%s contains a value that is not a table; write %s", scope.Key, scope.Heading())
		}
		if ok && scope.Array {
			out = append(out, r.table(at, m, scope))
		}
	}
	return out
}

// given reads the value of one key.
func (r *tomlReader) given(path string, s *Setting, v any) []Given {
	in, err := r.input(path, s, v)
	used, ok := r.variablesOf(path)
	in.Src.Variables = strings.Join(used, " ")
	if !ok {
		return []Given{{Setting: s, In: in, Bad: true}}
	}
	if err != nil {
		r.bad.Add(r.src(path), "%s %v", s.FileKey(), err)
		return []Given{{Setting: s, In: in, Bad: true}}
	}
	if len(in.Values) == 0 {
		return nil
	}
	return []Given{{Setting: s, In: in}}
}

// unknown adds the problem of a key that the table does not have. The setting that was probably meant is not read.
func (r *tomlReader) unknown(path, key string, scope *Scope) []Given {
	sentence, meant := r.schema.unknownKey(scope, key)
	r.bad.Add(r.src(path), "%s", sentence)
	if child := scope.Table(meant); child != nil {
		r.lost[child] = true
	}
	for _, child := range scope.Tables {
		if s := child.Setting(key); child.Array && s != nil && s.Vital {
			r.lost[child] = true
		}
	}
	if s := scope.Setting(meant); s != nil {
		return []Given{{Setting: s, In: Input{Src: r.src(path)}, Bad: true}}
	}
	return nil
}

// isTable reports whether a value is a table, or an array of tables.
func isTable(v any) bool {
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
	}
	_, ok := v.(map[string]any)
	return ok
}

// input makes texts of a TOML value, so that all layers are read by the same code.
func (r *tomlReader) input(path string, s *Setting, v any) (Input, error) {
	in := Input{Src: r.src(path), Base: r.base}
	switch v := v.(type) {
	case []any:
		if s.Kind != List {
			return in, fmt.Errorf("is one %s, not an array", s.Kind)
		}
		in.Exact = true
		for _, e := range v {
			t, ok := scalar(s, e)
			if !ok {
				return in, errors.New("is an array of texts")
			}
			in.Values = append(in.Values, t)
		}
	case map[string]any:
		if s.Kind != Pairs {
			return in, fmt.Errorf("is a %s, not a table", s.Kind)
		}
		for _, k := range r.keys(path, v) {
			t, ok := scalar(s, v[k])
			if !ok {
				return in, fmt.Errorf("has no plain value for %s; write it in quotes", k)
			}
			in.Values = append(in.Values, k+"="+t)
		}
	default:
		t, ok := scalar(s, v)
		if !ok || s.Kind == Pairs {
			return in, fmt.Errorf("is a %s; the value is of another type", s.Kind)
		}
		in.Values = []string{t}
	}
	if len(in.Values) == 0 && s.Kind == List {
		in.Exact, in.Values = false, []string{""} // an empty list is a value too
	}
	return in, nil
}

// scalar is a TOML value as text. A boolean is one for a switch, and for a setting that has the words on or off.
func scalar(s *Setting, v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case int64:
		if s.Kind == Mode {
			return strconv.FormatInt(v, 8), true // 0o660 is a number in TOML
		}
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case bool:
		if s.Kind == Pairs || s.Kind == Switch || v && slices.Contains(s.Choices, "on") || !v && s.knowsOff() {
			return strconv.FormatBool(v), true
		}
	}
	return "", false
}
