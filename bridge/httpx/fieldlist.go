package httpx

import "strings"

// Field is one field of a head.
type Field struct{ Name, Value string }

// FieldList are fields of a response in the order and the spelling in which they go out. None of
// them is in the response's Header. Names and values were checked: they go out as they are.
type FieldList struct {
	ordered bool
	list    []Field
	length  int64
	sized   bool // length is known
}

// again is an empty list in the same memory.
func (l *FieldList) again() FieldList {
	clear(l.list)
	return FieldList{list: l.list[:0]}
}

// Ordered reports whether the way in takes the list; else fields go into Header.
func (l *FieldList) Ordered() bool { return l.ordered }

// Add adds a field. It is not Content-Length.
func (l *FieldList) Add(name, value string) { l.list = append(l.list, Field{name, value}) }

// SetLength sets the Content-Length.
func (l *FieldList) SetLength(n int64) { l.length, l.sized = n, true }

// Clear takes all fields out.
func (l *FieldList) Clear() { l.list, l.sized = l.list[:0], false }

// known is the Content-Length; -1: none.
func (l *FieldList) known() int64 {
	if l.sized {
		return l.length
	}
	return -1
}

// defaults are fields of the server's own: each goes out unless the handler sets one of its name.
type defaults struct {
	list [2]Field
	n    int
}

// Default has the field name go out with the final head, unless Header has one of that name
// then, or DropDefault was called. The name is canonical, and no other default has it.
func (rec *Writer) Default(name, value string) {
	d := &rec.defaults
	d.list[d.n] = Field{name, value}
	d.n++
}

// DropDefault takes out the default of a name in any spelling.
func (rec *Writer) DropDefault(name string) {
	for i := range rec.defaults.n {
		if d := &rec.defaults.list[i]; len(d.Name) == len(name) && strings.EqualFold(d.Name, name) {
			d.Name = ""
		}
	}
}

// Defaults are the defaults that go out as things are.
func (rec *Writer) Defaults(yield func(name, value string) bool) {
	h := rec.Header()
	for i := range rec.defaults.n {
		d := &rec.defaults.list[i]
		if d.Name == "" {
			continue
		}
		if len(h) > 0 {
			if _, set := h[d.Name]; set {
				continue
			}
		}
		if !yield(d.Name, d.Value) {
			return
		}
	}
}

// settle puts the defaults among the fields of the final head.
func (d *defaults) settle(rec *Writer) {
	for name, value := range rec.Defaults {
		if rec.Fields.ordered {
			rec.Fields.Add(name, value)
		} else {
			rec.Header()[name] = []string{value}
		}
	}
	d.n = 0
}
