package httpx

import (
	"iter"
	"net/http"
	"strings"
)

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

// Defaults are fields of the server's own: each goes out with the final head, unless the handler
// sets one of its name.
type Defaults struct {
	list [5]Field
	n    int
}

// Add adds a field, of which the name is canonical and not among them. There may be five.
func (d *Defaults) Add(name, value string) {
	d.list[d.n] = Field{name, value}
	d.n++
}

// Has reports whether the field, whose name is canonical, is among them.
func (d *Defaults) Has(name string) bool {
	for i := range d.n {
		if d.list[i].Name == name {
			return true
		}
	}
	return false
}

// Drop takes out the field of a name in any spelling.
func (d *Defaults) Drop(name string) {
	for i := range d.n {
		if f := &d.list[i]; len(f.Name) == len(name) && strings.EqualFold(f.Name, name) {
			f.Name = ""
		}
	}
}

// Beside returns those that go out beside h.
func (d *Defaults) Beside(h http.Header) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for i := range d.n {
			f := &d.list[i]
			if f.Name == "" {
				continue
			}
			if len(h) > 0 {
				if _, set := h[f.Name]; set {
					continue
				}
			}
			if !yield(f.Name, f.Value) {
				return
			}
		}
	}
}

// settle puts them among the fields of rec's final head.
func (d *Defaults) settle(rec *Writer) {
	h := rec.inner.Header()
	for name, value := range d.Beside(h) {
		if rec.Fields.ordered {
			rec.Fields.Add(name, value)
		} else {
			h[name] = []string{value}
		}
	}
	d.n = 0
}
