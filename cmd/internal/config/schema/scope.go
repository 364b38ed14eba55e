package schema

import (
	"fmt"
	"io/fs"
	"reflect"
	"slices"
)

// Settable is a struct whose fields are settings. Settings does not look at the value: it is called for the zero one.
type Settable interface{ Settings() Group }

// Group are the settings of one struct, as data.
type Group struct {
	Key      string    // of their table in the file; empty: they stand in the table around it
	Settings []Setting // each belongs to a field with its key as the tag `key`, or has Set and Show
	Doc      string    // what the documentation says below the heading
	FileOnly bool      // there are flags and variables for those settings alone that name their Flags
	ByName   bool      // flags and variables take NAME=VALUE for one row; a row has RowName
}

// NamedRow is a row of a table whose paths have a name in place of a number.
type NamedRow interface{ RowName() string }

// Scope is one table of the configuration, as data.
type Scope struct {
	Key      string // of the table; empty: the top of the file
	Array    bool   // [[key]]: there may be many
	Settings []*Setting
	Tables   []*Scope // within this one
	Doc      string
	FileOnly bool
	ByName   bool

	around *Scope // nil: this is the top
	row    reflect.Type
	field  []int   // the place of the struct or slice in the struct of around
	groups [][]int // the places of the structs in a row that may have a Check
}

// Schema are all settings.
type Schema struct {
	Top     *Scope
	Command *Scope // the settings of the command line alone; the file has no key for them

	Later    []string          // keys and tables that are planned; they are known wherever they stand
	Foreign  map[string]string // keys of other programs' configurations, each with a sentence
	Prefix   string            // of the variables, such as "STANDPIPE_"
	docTexts fs.FS
}

// Of makes the schema of a configuration, the struct that root points to. command are the settings of the command line
// alone. texts has a file KEY.md for each table whose settings are documented there (see readTexts); top.md and command.md
// are for those without a key.
func Of(root any, prefix string, texts fs.FS, command Group) *Schema {
	s := &Schema{Prefix: prefix, docTexts: texts}
	s.Command = &Scope{Key: "command", Doc: command.Doc}
	for i := range command.Settings {
		one := command.Settings[i]
		one.scope, one.prefix = s.Command, prefix
		s.Command.Settings = append(s.Command.Settings, &one)
	}
	s.Top = s.scope(reflect.TypeOf(root).Elem(), nil)
	s.document(s.Command, "command")
	for scope := range s.scopes() {
		name := scope.Key
		if name == "" {
			name = "top"
		}
		s.document(scope, name)
	}
	return s
}

// scope makes the scope of the struct t, with all that is in it.
func (s *Schema) scope(t reflect.Type, around *Scope) *Scope {
	out := &Scope{row: t, around: around}
	if g, ok := groupOf(t); ok {
		out.Key, out.FileOnly, out.ByName = g.Key, g.FileOnly, g.ByName
	}
	s.collect(out, t, nil)
	return out
}

// collect adds the settings of the struct t, which lies at index in a row of the scope, and those of the structs in it.
func (s *Schema) collect(to *Scope, t reflect.Type, index []int) {
	to.groups = append(to.groups, index)
	if g, ok := groupOf(t); ok {
		if to.Doc == "" {
			to.Doc = g.Doc
		}
		for i := range g.Settings {
			one := g.Settings[i]
			one.scope, one.group, one.prefix = to, index, s.Prefix
			one.bind(t)
			to.Settings = append(to.Settings, &one)
		}
	}
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(slices.Clone(index), i)
		elem, array := f.Type, f.Type.Kind() == reflect.Slice
		if array {
			elem = elem.Elem()
		}
		g, ok := groupOf(elem)
		switch {
		case !ok || !f.IsExported():
		case !array && g.Key == "":
			s.collect(to, elem, at)
		default:
			child := s.scope(elem, to)
			child.Array, child.field = array, at
			to.Tables = append(to.Tables, child)
		}
	}
}

// groupOf returns the settings of the type, if it has any.
func groupOf(t reflect.Type) (g Group, ok bool) {
	if t.Kind() != reflect.Struct {
		return g, false
	}
	v, ok := reflect.New(t).Interface().(Settable)
	if !ok {
		return g, false
	}
	return v.Settings(), true
}

// scopes ranges over all tables, the top first, each before those within it. Tables of one key come before arrays.
func (s *Schema) scopes() func(yield func(*Scope) bool) {
	return func(yield func(*Scope) bool) { s.Top.each(yield) }
}

func (s *Scope) each(yield func(*Scope) bool) bool {
	if !yield(s) {
		return false
	}
	for _, array := range []bool{false, true} {
		for _, t := range s.Tables {
			if t.Array == array && !t.each(yield) {
				return false
			}
		}
	}
	return true
}

// All returns all settings: those of the command line, then those of each table.
func (s *Schema) All() []*Setting {
	out := slices.Clone(s.Command.Settings)
	for scope := range s.scopes() {
		out = append(out, scope.Settings...)
	}
	return out
}

// Flag returns the setting that a flag belongs to, by any of its names without dashes; nil: there is none.
func (s *Schema) Flag(name string) *Setting {
	for _, one := range s.All() {
		if slices.Contains(one.FlagNames(), name) {
			return one
		}
	}
	return nil
}

// Setting returns the setting of a key; nil: the table has none.
func (s *Scope) Setting(key string) *Setting {
	for _, one := range s.Settings {
		if one.Key == key {
			return one
		}
	}
	return nil
}

// Table returns the table of a key within this one; nil: there is none.
func (s *Scope) Table(key string) *Scope {
	for _, t := range s.Tables {
		if t.Key == key {
			return t
		}
	}
	return nil
}

// New returns a new row: a pointer to its zero value.
func (s *Scope) New() any { return reflect.New(s.row).Interface() }

// name is the table's name in the file, with those of the tables around it: "app.static".
func (s *Scope) name() string {
	if s.around == nil {
		return s.Key
	}
	return join(s.around.name(), s.Key)
}

// Heading is the table as one would write it in the file; empty for the top.
func (s *Scope) Heading() string {
	switch {
	case s.Key == "":
		return ""
	case s.Array:
		return "[[" + s.name() + "]]"
	}
	return "[" + s.name() + "]"
}

// within returns pointers to the rows of the table in a row of the table around it.
func (s *Scope) within(parent any) []any {
	v := reflect.ValueOf(parent).Elem().FieldByIndex(s.field)
	if !s.Array {
		return []any{v.Addr().Interface()}
	}
	out := make([]any, v.Len())
	for i := range out {
		out[i] = v.Index(i).Addr().Interface()
	}
	return out
}

// path is the path of the row with this number within the row at path.
func (s *Scope) path(path string, i int, row any) string {
	if !s.Array {
		return join(path, s.Key)
	}
	if n, ok := row.(NamedRow); ok {
		return join(join(path, s.Key), n.RowName())
	}
	return fmt.Sprintf("%s.%d", join(path, s.Key), i)
}

func join(path, key string) string {
	switch {
	case path == "":
		return key
	case key == "":
		return path
	}
	return path + "." + key
}
