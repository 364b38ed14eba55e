package schema

import (
	"bytes"
	"fmt"

	"github.com/pelletier/go-toml/v2/unstable"
)

// keyPlace is where a key stands in a file. Several keys may stand in one line.
type keyPlace struct{ line, offset int }

// lineFinder collects the place of each key, by its path: "app[0].workers".
type lineFinder struct {
	text   []byte
	places map[string]keyPlace
	arrays map[string]int // how many [[x]] have been seen

	line, upTo int // the line of the byte at upTo: keys come in the order of the text
}

// keyLines finds the place of each key in a text that has been decoded without error before.
func keyLines(text []byte) map[string]keyPlace {
	f := &lineFinder{text: text, places: make(map[string]keyPlace), arrays: make(map[string]int), line: 1}
	var p unstable.Parser
	p.Reset(text)
	table := ""
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table:
			table = f.path("", e.Key(), false)
		case unstable.ArrayTable:
			path := f.path("", e.Key(), true)
			table = fmt.Sprintf("%s[%d]", path, f.arrays[path])
			f.arrays[path]++
			var last *unstable.Node
			for it := e.Key(); it.Next(); {
				last = it.Node()
			}
			f.record(table, last)
		case unstable.KeyValue:
			f.value(f.path(table, e.Key(), false), e.Value())
		}
	}
	return f.places
}

func (f *lineFinder) lineOf(offset int) int {
	if offset >= f.upTo {
		f.line += bytes.Count(f.text[f.upTo:offset], []byte("\n"))
		f.upTo = offset
		return f.line
	}
	return 1 + bytes.Count(f.text[:offset], []byte("\n"))
}

func (f *lineFinder) record(path string, n *unstable.Node) {
	if _, ok := f.places[path]; !ok {
		offset := int(n.Raw.Offset)
		f.places[path] = keyPlace{f.lineOf(offset), offset}
	}
}

// path is prefix plus the keys; a key that names an array of tables stands for its newest element.
func (f *lineFinder) path(prefix string, it unstable.Iterator, header bool) string {
	path := prefix
	for it.Next() {
		path = join(path, string(it.Node().Data))
		f.record(path, it.Node())
		if n := f.arrays[path]; n > 0 && !(header && it.IsLast()) {
			path = fmt.Sprintf("%s[%d]", path, n-1)
		}
	}
	return path
}

// value notes the keys within a value.
func (f *lineFinder) value(path string, n *unstable.Node) {
	switch n.Kind {
	case unstable.InlineTable:
		for it := n.Children(); it.Next(); {
			f.value(f.path(path, it.Node().Key(), false), it.Node().Value())
		}
	case unstable.Array:
		i := 0
		for it := n.Children(); it.Next(); i++ {
			f.value(fmt.Sprintf("%s[%d]", path, i), it.Node())
		}
	}
}
