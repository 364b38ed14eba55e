package schema

import (
	"slices"
	"strings"
)

// Values is one configuration while it is read: its layers, the source of each value, and the problems so far.
type Values struct {
	Schema   *Schema
	Sources  *Sources
	Problems Problems
	Env      Environment
	File     *File

	envs, flags layer
	failed      map[string]bool // paths of values of which one layer's text could not be read
}

// NewValues reads the environment and the flags. dir is the current folder.
func (s *Schema) NewValues(env Environment, flags []Flag, dir string) *Values {
	return &Values{Schema: s, Sources: newSources(), Env: env, File: &File{Top: &Table{}}, failed: make(map[string]bool),
		envs: s.envLayer(env, dir), flags: s.flagLayer(flags, dir)}
}

// Draft returns values with the same layers in which sources and problems go nowhere.
func (v *Values) Draft() *Values {
	out := *v
	out.Sources, out.Problems, out.failed = newSources(), nil, make(map[string]bool)
	return &out
}

// Apply writes what was given to the row at path. What cannot be read leaves both the value and its source as they were.
func (v *Values) Apply(row any, path string, layers ...[]Given) {
	for _, givens := range layers {
		for _, g := range givens {
			at := join(path, g.Setting.Key)
			if g.Bad {
				v.failed[at] = true
			} else if err := g.Setting.apply(row, g.In); err != nil {
				v.Problems.Add(g.In.Src, "%s %v", g.Setting.FileKey(), err)
				v.failed[at] = true
			} else {
				v.Sources.Put(at, g.In.Src)
			}
		}
	}
}

// Defaults are the fixed defaults of a table, and those that the platform's variables give.
func (v *Values) Defaults(scope *Scope) []Given {
	var out []Given
	for _, s := range scope.Settings {
		if s.Default != "" {
			out = append(out, Given{Setting: s, In: Input{Values: []string{s.Default}}})
		}
		if text := v.Env[s.Fallback]; s.Fallback != "" && text != "" {
			out = append(out, Given{Setting: s, In: Input{Values: []string{text}, Src: Source{Kind: FromEnv, Where: s.Fallback}}})
		}
	}
	return out
}

// Variables is what the environment says about all rows of a table and about the row of this name; Flags likewise. What is
// said about one row wins over what is said about all.
func (v *Values) Variables(scope *Scope, name string) []Given {
	return append(v.envs.general(scope), v.envs.own(scope, name)...)
}

// Flags are those for all rows, FlagsOf those for the row of this name.
func (v *Values) Flags(scope *Scope) []Given { return v.flags.general(scope) }

// FlagsOf are the flags for the row of this name alone.
func (v *Values) FlagsOf(scope *Scope, name string) []Given { return v.flags.own(scope, name) }

// Names are what the environment and the flags say about rows by name.
func (v *Values) Names(scope *Scope) (out []Given) {
	for _, g := range slices.Concat(v.envs[scope], v.flags[scope]) {
		if g.For != "" {
			out = append(out, g)
		}
	}
	return out
}

// Fill puts all layers into the row at path, and into the tables within it. t is what the file says; nil: nothing. The
// arrays of tables at the top are the caller's: rows of some of them come from more than the file.
func (v *Values) Fill(scope *Scope, row any, path string, t *Table) {
	if t == nil {
		t = &Table{}
	}
	if t.Src.Given() && !v.Sources.Of(path).Given() { // a setting of the table's name keeps its own
		v.Sources.Put(path, t.Src)
	}
	v.Apply(row, path, v.Defaults(scope), t.Givens, v.envs.general(scope), v.flags.general(scope))
	v.require(scope, path, t)
	for _, child := range scope.Tables {
		if !child.Array || scope.around != nil {
			v.FillTable(child, row, path, t.Tables[child])
		}
	}
}

// FillTable fills a table, or an array of them, within the row at path.
func (v *Values) FillTable(scope *Scope, parent any, path string, tables []*Table) {
	if scope.Array {
		v.FillRows(scope, parent, path, tables)
		return
	}
	var t *Table
	if len(tables) > 0 {
		t = tables[0]
	}
	v.Fill(scope, scope.within(parent)[0], scope.path(path, 0, nil), t)
}

// FillRows makes the rows of an array of tables in the row at path, and fills them.
func (v *Values) FillRows(scope *Scope, parent any, path string, tables []*Table) {
	scope.resize(parent, len(tables))
	for i, row := range scope.within(parent) {
		at := scope.path(path, i, row)
		if _, ok := row.(NamedRow); ok { // it has no name yet
			at = join(join(path, scope.Key), tables[i].Name)
		}
		v.Fill(scope, row, at, tables[i])
	}
}

// require adds a problem for each key that a row must have.
func (v *Values) require(scope *Scope, path string, t *Table) {
	for _, s := range scope.Settings {
		if at := join(path, s.Key); s.Required != "" && !v.Sources.Of(at).Given() && !v.Unsure(at) {
			v.Problems.Add(t.Src, "%s has no %s; write %s", scope.Heading(), s.Key, s.Required)
		}
	}
}

// Unsure reports whether what was said about one of these values could not be read: a problem that follows from the value
// in its place would be misleading.
func (v *Values) Unsure(paths ...string) bool {
	return slices.ContainsFunc(paths, func(path string) bool {
		if v.failed[path] {
			return true
		}
		return v.Sources.Of(path).Kind < FromEnv && (v.File.Failed || v.File.mayHave(path))
	})
}

// mayHave reports whether the file probably says something about a value that could not be attributed to its row.
func (f *File) mayHave(path string) bool {
	for scope := range f.lost {
		if scope.has(path) {
			return true
		}
	}
	return false
}

// has reports whether the path may be that of a value in a row of the table: "route.1.upstream.0.weight" is one of
// [[route.upstream]]. What stands between the names of two tables is the number or the name of a row.
func (s *Scope) has(path string) bool {
	if s.around == nil {
		return true
	}
	if !s.around.has(path) {
		return false
	}
	if s.around.around == nil {
		return strings.HasPrefix(path, s.Key+".")
	}
	return strings.Contains(path, "."+s.Key+".")
}
