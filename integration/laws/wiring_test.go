package laws

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"sort"
	"strings"
	"testing"
)

// An option that no production code sets does nothing for a user, however well its tests pass: the zero value of every
// Options struct is legal, so nothing else notices. TestWiring type-checks the production code and finds such options.

// unwired are the fields of Options structs that no other package sets, each with the reason. Keep it short.
var unwired = map[string]string{}

// fieldKey names a field by its package below the module, its struct's name and its own: "bridge/wsgi.Options.Concurrent". Empty: the
// struct is not a named one of ours.
func fieldKey(named types.Type, field string) string {
	if p, ok := named.Underlying().(*types.Pointer); ok {
		named = p.Elem()
	}
	n, ok := types.Unalias(named).(*types.Named)
	if !ok || n.Obj().Pkg() == nil || !under(n.Obj().Pkg().Path(), module) {
		return ""
	}
	return strings.TrimPrefix(n.Obj().Pkg().Path(), module+"/") + "." + n.Obj().Name() + "." + field
}

// sets lists the fields that the package gives a value: keys of composite literals, left sides of assignments, and fields whose
// address is taken (flags and settings are read into them).
func (c checked) sets() []string {
	var keys []string
	add := func(t types.Type, field string) {
		if k := fieldKey(t, field); k != "" {
			keys = append(keys, k)
		}
	}
	selected := func(e ast.Expr) {
		if x, ok := e.(*ast.IndexExpr); ok { // o.Map[key] = value fills the map
			e = x.X
		}
		sel, ok := e.(*ast.SelectorExpr)
		if !ok {
			return
		}
		if s := c.info.Selections[sel]; s != nil && s.Kind() == types.FieldVal {
			add(owner(s), s.Obj().Name())
		}
	}
	for _, f := range c.files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				t := c.info.Types[n].Type
				st, ok := t.Underlying().(*types.Struct)
				if !ok {
					if p, isPtr := t.Underlying().(*types.Pointer); isPtr {
						t = p.Elem()
						st, ok = t.Underlying().(*types.Struct)
					}
				}
				if !ok {
					return true
				}
				for i, e := range n.Elts {
					if kv, keyed := e.(*ast.KeyValueExpr); keyed {
						if id, isIdent := kv.Key.(*ast.Ident); isIdent {
							add(t, id.Name)
						}
					} else if i < st.NumFields() {
						add(t, st.Field(i).Name())
					}
				}
			case *ast.AssignStmt:
				for _, l := range n.Lhs {
					selected(l)
				}
			case *ast.IncDecStmt:
				selected(n.X)
			case *ast.UnaryExpr:
				if n.Op == token.AND {
					selected(n.X)
				}
			}
			return true
		})
	}
	return keys
}

// owner is the struct type that a selection's field belongs to, embedded ones looked through.
func owner(s *types.Selection) types.Type {
	t := s.Recv()
	for _, i := range s.Index()[:len(s.Index())-1] {
		if p, ok := t.Underlying().(*types.Pointer); ok {
			t = p.Elem()
		}
		t = t.Underlying().(*types.Struct).Field(i).Type()
	}
	return t
}

// TestWiring: every exported field of every exported struct whose name ends in Options is set by the production code of another
// package.
func TestWiring(t *testing.T) {
	t.Parallel()
	packages := typeCheck(t)
	setBy := map[string][]string{} // field -> packages
	var fields []string
	for _, c := range packages {
		for _, k := range c.sets() {
			if !slices.Contains(setBy[k], c.path) {
				setBy[k] = append(setBy[k], c.path)
			}
		}
		for _, obj := range c.info.Defs {
			name, ok := obj.(*types.TypeName)
			if !ok || !name.Exported() || !strings.HasSuffix(name.Name(), "Options") || name.Parent() != name.Pkg().Scope() {
				continue
			}
			st, ok := name.Type().Underlying().(*types.Struct)
			if !ok {
				continue
			}
			for f := range st.Fields() {
				if f.Exported() {
					fields = append(fields, fieldKey(name.Type(), f.Name()))
				}
			}
		}
	}
	if len(fields) < 60 {
		t.Fatalf("only %d fields of Options structs found: the test looks at the wrong thing", len(fields))
	}
	sort.Strings(fields)
	used := map[string]bool{}
	for _, k := range fields {
		home := k[:strings.LastIndex(k[:strings.LastIndex(k, ".")], ".")]
		others := slices.DeleteFunc(slices.Clone(setBy[k]), func(p string) bool { return p == home })
		if len(others) > 0 {
			continue
		}
		if unwired[k] != "" {
			used[k] = true
			continue
		}
		t.Errorf("%s is set by no other package's production code: wire it, or remove it", k)
	}
	for k := range unwired {
		if !used[k] {
			t.Errorf("unwired names %s, which is wired or does not exist", k)
		}
	}
}
