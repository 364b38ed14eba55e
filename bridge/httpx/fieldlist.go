package httpx

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
