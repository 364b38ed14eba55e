package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// given is one layer's word on one setting, before it is read.
type given struct {
	s   *Setting
	app string // for one app by its name; empty: for all, or for the group it stands in
	in  input
	bad bool // what was said could not be read, and the problem is told; in has only its source
}

// group is what one [[app]], one --app or one [[listen]] says.
type group struct {
	name   string // of an app; empty: none was given
	src    Source
	givens []given
}

// file is what a TOML file says.
type file struct {
	server   []given
	apps     []group
	listen   []group
	internal []group
	routes   []group
	statics  []group

	failed   bool // it could not be read at all
	lostApps bool // something that was meant for an app stands in none
}

// tomlReader walks a decoded document with the line of every key at hand.
type tomlReader struct {
	name  string         // the file's name, for messages
	base  string         // the file's folder
	lines map[string]int // "app[0].workers" -> 3
	order map[string]int // where a key stands, in octets: several may stand in one line
	out   file
	bad   *Problems
}

// readTOML reads the file at path; shown is its name in messages.
func readTOML(path, shown, base string, bad *Problems) file {
	text, err := readBounded(path)
	if err != nil {
		bad.at(shown, "the configuration file %v", err)
		return file{failed: true}
	}
	return parseTOML(text, shown, base, bad)
}

func parseTOML(text []byte, shown, base string, bad *Problems) file {
	doc := map[string]any{}
	if err := toml.Unmarshal(text, &doc); err != nil {
		where := shown
		if de, ok := errors.AsType[*toml.DecodeError](err); ok {
			row, _ := de.Position()
			where = fmt.Sprintf("%s:%d", shown, row)
		}
		bad.at(where, "%s", strings.TrimPrefix(err.Error(), "toml: "))
		return file{failed: true}
	}
	lines, order := keyLines(text)
	r := &tomlReader{name: shown, base: base, lines: lines, order: order, bad: bad}
	r.top(doc)
	return r.out
}

// keyLines finds the line of every key, and its place in the text, which has been decoded without error before.
func keyLines(text []byte) (lines, order map[string]int) {
	lines, order = make(map[string]int), make(map[string]int)
	arrays := make(map[string]int) // how many [[x]] have been seen
	var p unstable.Parser
	p.Reset(text)
	line, upTo := 1, 0
	lineOf := func(off int) int {
		if off >= upTo {
			line += bytes.Count(text[upTo:off], []byte("\n"))
			upTo = off
			return line
		}
		return 1 + bytes.Count(text[:off], []byte("\n"))
	}
	note := func(path string, n *unstable.Node) {
		if _, ok := lines[path]; !ok {
			lines[path], order[path] = lineOf(int(n.Raw.Offset)), int(n.Raw.Offset)
		}
	}
	// full is prefix plus the keys; a key that names an array of tables stands for its newest element.
	full := func(prefix string, it unstable.Iterator, header bool) string {
		path := prefix
		for it.Next() {
			path = join(path, string(it.Node().Data))
			note(path, it.Node())
			if n := arrays[path]; n > 0 && !(header && it.IsLast()) {
				path = fmt.Sprintf("%s[%d]", path, n-1)
			}
		}
		return path
	}
	var value func(path string, n *unstable.Node)
	value = func(path string, n *unstable.Node) {
		switch n.Kind {
		case unstable.InlineTable:
			for it := n.Children(); it.Next(); {
				value(full(path, it.Node().Key(), false), it.Node().Value())
			}
		case unstable.Array:
			i := 0
			for it := n.Children(); it.Next(); i++ {
				value(fmt.Sprintf("%s[%d]", path, i), it.Node())
			}
		}
	}
	table := ""
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table:
			table = full("", e.Key(), false)
		case unstable.ArrayTable:
			path := full("", e.Key(), true)
			table = fmt.Sprintf("%s[%d]", path, arrays[path])
			arrays[path]++
			var last *unstable.Node
			for it := e.Key(); it.Next(); {
				last = it.Node()
			}
			note(table, last)
		case unstable.KeyValue:
			value(full(table, e.Key(), false), e.Value())
		}
	}
	return lines, order
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func (r *tomlReader) src(path string) Source {
	if n := r.lines[path]; n > 0 {
		return Source{FromFile, fmt.Sprintf("%s:%d", r.name, n)}
	}
	return Source{FromFile, r.name}
}

// keys are the keys of m in the order of the file.
func (r *tomlReader) keys(path string, m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool {
		return cmp.Or(cmp.Compare(r.order[join(path, keys[i])], r.order[join(path, keys[j])]), cmp.Compare(keys[i], keys[j])) < 0
	})
	return keys
}

func (r *tomlReader) top(doc map[string]any) {
	sections := sectionNames()
	for _, key := range r.keys("", doc) {
		v := doc[key]
		switch {
		case key == "app":
			r.out.apps = r.groups(key, v, OfApp)
		case key == "listen":
			r.out.listen = r.groups(key, v, OfListen)
		case key == "internal":
			r.out.internal = r.groups(key, v, OfInternal)
		case key == "route":
			r.out.routes = r.groups(key, v, OfRoute)
		case key == "static":
			r.out.statics = r.groups(key, v, OfStatic)
		case slices.Contains(sections, key):
			m, ok := v.(map[string]any)
			if !ok {
				r.bad.add(r.src(key), "%s is a table; write [%s]", key, key)
				continue
			}
			r.out.server = append(r.out.server, r.table(key, m, OfServer, key)...)
		default:
			r.out.server = append(r.out.server, r.table("", map[string]any{key: v}, OfServer, "")...)
		}
	}
}

func (r *tomlReader) groups(key string, v any, scope Scope) []group {
	var out []group
	list, ok := v.([]any)
	if !ok {
		r.bad.add(r.src(key), "%s may stand there more than once; write [[%s]] with two brackets", key, key)
		r.out.lostApps = r.out.lostApps || scope == OfApp
		return nil
	}
	for i, e := range list {
		path := fmt.Sprintf("%s[%d]", key, i)
		m, ok := e.(map[string]any)
		if !ok {
			r.bad.add(r.src(path), "%s holds something that is no table; write [[%s]]", key, key)
			r.out.lostApps = r.out.lostApps || scope == OfApp
			continue
		}
		g := group{src: r.src(path), givens: r.table(path, m, scope, "")}
		if name, ok := m["name"].(string); ok && scope == OfApp {
			g.name = name
		}
		out = append(out, g)
	}
	return out
}

// table reads the keys of one table. Unknown ones are problems.
func (r *tomlReader) table(path string, m map[string]any, scope Scope, section string) []given {
	var out []given
	for _, key := range r.keys(path, m) {
		at := join(path, key)
		s := findKey(scope, section, key)
		if s == nil {
			sentence, meant := unknownKey(scope, section, key)
			r.bad.add(r.src(at), "%s", sentence)
			if s := findKey(scope, section, meant); s != nil {
				out = append(out, given{s: s, in: input{src: r.src(at)}, bad: true})
			}
			if scope == OfServer && (meant == "app" || key == "module" || key == "dir") {
				r.out.lostApps = true
			}
			continue
		}
		if tables, ok := m[key].([]any); ok && s.Key == "static" && len(tables) > 0 && isTable(tables[0]) {
			out = append(out, given{s: s, in: input{src: r.src(at), base: r.base, tables: r.groups(at, tables, OfStatic)}})
			continue
		}
		in, err := r.input(at, s, m[key])
		if err != nil {
			r.bad.add(r.src(at), "%s %v", s.FileKey(), err)
			out = append(out, given{s: s, in: in, bad: true})
			continue
		}
		if len(in.values) > 0 {
			out = append(out, given{s: s, in: in})
		}
	}
	return out
}

func isTable(v any) bool {
	_, ok := v.(map[string]any)
	return ok
}

// input makes texts of a TOML value, so that all layers are read by the same code.
func (r *tomlReader) input(path string, s *Setting, v any) (input, error) {
	in := input{src: r.src(path), base: r.base}
	switch v := v.(type) {
	case []any:
		if s.Kind != List {
			return in, fmt.Errorf("is one %s, not an array", s.Kind)
		}
		in.exact = true
		for _, e := range v {
			t, ok := scalar(s, e)
			if !ok {
				return in, errors.New("is an array of texts")
			}
			in.values = append(in.values, t)
		}
	case map[string]any:
		if s.Key == "static" {
			return in, errors.New("may stand there more than once; write [[app.static]] with two brackets")
		}
		if s.Kind != Pairs {
			return in, fmt.Errorf("is a %s, not a table", s.Kind)
		}
		for _, k := range r.keys(path, v) {
			t, ok := scalar(s, v[k])
			if !ok {
				return in, fmt.Errorf("has no plain value for %s; write it in quotes", k)
			}
			in.values = append(in.values, k+"="+t)
		}
	default:
		t, ok := scalar(s, v)
		if !ok || s.Kind == Pairs {
			return in, fmt.Errorf("is a %s; a value of another type stands there", s.Kind)
		}
		in.values = []string{t}
	}
	if len(in.values) == 0 && s.Kind == List {
		in.exact, in.values = false, []string{""} // an empty list is a word too
	}
	return in, nil
}

// scalar is a TOML value as text. A boolean is one for a switch, and for what has the words on or off.
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

func sectionNames() []string {
	var out []string
	for _, s := range serverSettings() {
		if s.Section != "" && !slices.Contains(out, s.Section) {
			out = append(out, s.Section)
		}
	}
	return out
}

func findKey(scope Scope, section, key string) *Setting {
	for _, s := range Settings() {
		if s.Scope == scope && s.Section == section && s.Key == key {
			return s
		}
	}
	return nil
}
