package draft

import (
	"fmt"
	"slices"
	"strings"
)

// Place is a line of the other server's configuration. The zero value is none in particular.
type Place struct {
	File string // as it is shown
	Line int    // from 1 on; 0: unknown
}

func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Pair is an entry of a table in one line: env = { NAME = "value" }.
type Pair struct{ Name, Value string }

// Draft is a file that is being made.
type Draft struct {
	Title   []string // the first lines, without #
	tables  []*Table
	missing []missing
}

type missing struct {
	at        []Place // of one file
	what, say string
}

// Table is one table of the file. The one without a heading is the top.
type Table struct {
	heading string // "[limits]", "[[app]]"
	remarks []string
	keys    []key
	within  []*Table // [[app.static]]
	off     bool     // it is a comment
}

type key struct {
	name  string
	value string // as TOML
	at    []Place
	off   bool // it is a comment
}

// Table returns the table of this heading, such as "[limits]" or "" for the top. It is made when it is not there.
func (d *Draft) Table(heading string) *Table {
	for _, t := range d.tables {
		if t.heading == heading {
			return t
		}
	}
	return d.Add(heading)
}

// Add adds a table. Headings of arrays, such as "[[listen]]", may be added again.
func (d *Draft) Add(heading string) *Table {
	t := &Table{heading: heading}
	d.tables = append(d.tables, t)
	return t
}

// All are the tables of this heading.
func (d *Draft) All(heading string) []*Table {
	var out []*Table
	for _, t := range d.tables {
		if t.heading == heading {
			out = append(out, t)
		}
	}
	return out
}

// Missing says that a line has no equivalent, and why or what to do instead. What several lines of a file have in common is
// said once.
func (d *Draft) Missing(at Place, what, format string, args ...any) {
	say := strings.TrimSuffix(fmt.Sprintf(format, args...), ".")
	for i := range d.missing {
		n := &d.missing[i]
		if n.what != what || n.say != say || n.at[0].File != at.File {
			continue
		}
		if !slices.Contains(n.at, at) {
			n.at = append(n.at, at)
		}
		return
	}
	d.missing = append(d.missing, missing{[]Place{at}, what, say})
}

// where names the lines: site.conf:3,7.
func (n *missing) where() string {
	out := n.at[0].String()
	for _, at := range n.at[1:] {
		out += fmt.Sprintf(",%d", at.Line)
	}
	return out
}

// Add adds a table within this one: [[app.static]].
func (t *Table) Add(heading string) *Table {
	child := &Table{heading: heading}
	t.within = append(t.within, child)
	return child
}

// Remark adds a comment below the heading.
func (t *Table) Remark(format string, args ...any) {
	t.remarks = append(t.remarks, fmt.Sprintf(format, args...))
}

// Comment makes the heading a comment, as Suggest does with a key.
func (t *Table) Comment() { t.off = true }

// Set sets a key to a string, int, bool, []string or []Pair. A later value takes the place of an earlier one.
func (t *Table) Set(at Place, name string, value any) {
	t.put(key{name, tomlValue(value), placeOf(at), false})
}

// Suggest writes a key as a comment.
func (t *Table) Suggest(at Place, name string, value any) {
	t.put(key{name, tomlValue(value), placeOf(at), true})
}

func placeOf(at Place) []Place {
	if at == (Place{}) {
		return nil
	}
	return []Place{at}
}

func (t *Table) put(k key) {
	for i := range t.keys {
		if t.keys[i].name == k.name {
			t.keys[i] = k
			return
		}
	}
	t.keys = append(t.keys, k)
}

// Unset takes a key out.
func (t *Table) Unset(name string) {
	t.keys = slices.DeleteFunc(t.keys, func(k key) bool { return k.name == name })
}

// Has reports whether the key is set.
func (t *Table) Has(name string) bool {
	return slices.ContainsFunc(t.keys, func(k key) bool { return k.name == name && !k.off })
}

// Is reports whether the key has this value.
func (t *Table) Is(name string, value any) bool { return t.Text(name) == tomlValue(value) }

// Text is the value of a key as TOML; empty: it is not set.
func (t *Table) Text(name string) string {
	for _, k := range t.keys {
		if k.name == name && !k.off {
			return k.value
		}
	}
	return ""
}

// Append adds a text to a list.
func (t *Table) Append(at Place, name, text string) {
	for i := range t.keys {
		if k := &t.keys[i]; k.name == name && !k.off {
			k.value = strings.TrimSuffix(k.value, "]") + ", " + quote(text) + "]"
			return
		}
	}
	t.Set(at, name, []string{text})
}

// Within takes over the tables within another one.
func (t *Table) Within(from *Table) { t.within = append(t.within, from.within...) }

// Copy takes over the keys of another table, but for these.
func (t *Table) Copy(from *Table, but ...string) {
	for _, k := range from.keys {
		if !k.off && !slices.Contains(but, k.name) {
			t.put(k)
		}
	}
}

// Insert adds a table that was made without a heading.
func (d *Draft) Insert(heading string, t *Table) {
	t.heading = heading
	d.tables = append(d.tables, t)
}
