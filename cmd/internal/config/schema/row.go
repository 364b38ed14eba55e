package schema

import (
	"fmt"
	"reflect"
)

// Row is one table of a configuration that is checked. Keys are those of its table.
type Row struct {
	Path string // "app.shop", "route.0", "limits"; empty: the top

	values *Values
	intro  string // begins the messages: "app "shop": "
}

// Checker is a struct with settings that finds its own mistakes.
type Checker interface{ Check(*Row) }

// Row returns the row at path for checks. Its messages begin with intro.
func (v *Values) Row(path, intro string) *Row { return &Row{path, v, intro} }

// Source is the source of a value.
func (r *Row) Source(key string) Source { return r.values.Sources.Of(join(r.Path, key)) }

// Given reports whether a person set the value.
func (r *Row) Given(key string) bool { return r.Source(key).Given() }

// Unsure reports whether what was said about one of these values could not be read.
func (r *Row) Unsure(keys ...string) bool {
	for _, key := range keys {
		if r.values.Unsure(join(r.Path, key)) {
			return true
		}
	}
	return false
}

// Bad adds a problem with a value.
func (r *Row) Bad(key, format string, args ...any) {
	r.values.Problems.Add(r.Source(key), "%s%s", r.intro, fmt.Sprintf(format, args...))
}

// BadRow adds a problem with the row as a whole: at its table.
func (r *Row) BadRow(format string, args ...any) {
	r.BadAt(r.values.Sources.Of(r.Path), format, args...)
}

// BadAt adds a problem with a part of the row that has a source of its own.
func (r *Row) BadAt(src Source, format string, args ...any) {
	r.values.Problems.Add(src, "%s%s", r.intro, fmt.Sprintf(format, args...))
}

// Other returns the row at another path, for checks that compare rows. Its messages have no intro.
func (r *Row) Other(path string) *Row { return r.values.Row(path, "") }

// Check calls the Check of each struct with settings in the configuration that root points to.
func (v *Values) Check(root any) { v.checkRow(v.Schema.Top, root, "") }

func (v *Values) checkRow(scope *Scope, row any, path string) {
	r := v.Row(path, scope.intro(row))
	for _, group := range scope.groups {
		if c, ok := reflect.ValueOf(row).Elem().FieldByIndex(group).Addr().Interface().(Checker); ok {
			c.Check(r)
		}
	}
	for _, child := range scope.Tables {
		for i, one := range child.within(row) {
			v.checkRow(child, one, child.path(path, i, one))
		}
	}
}

// intro names the row in messages.
func (s *Scope) intro(row any) string {
	switch n, ok := row.(NamedRow); {
	case ok:
		return fmt.Sprintf("%s %q: ", s.Key, n.RowName())
	case s.Array, s.around != nil && s.around.Array:
		return s.Heading() + " "
	}
	return ""
}

// resize makes n zero rows of an array of tables.
func (s *Scope) resize(parent any, n int) {
	field := reflect.ValueOf(parent).Elem().FieldByIndex(s.field)
	field.Set(reflect.MakeSlice(field.Type(), n, n))
}
