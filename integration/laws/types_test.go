package laws

import (
	"go/types"
	"strings"
	"testing"
)

const maxMethods = 20

// TestMethods counts the methods of each type, with those that it gets from embedded types of ours: an object with more than
// twenty is two objects.
func TestMethods(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, p := range typeCheck(t) {
		scope := p.types.Scope()
		for _, name := range scope.Names() {
			typ, ok := scope.Lookup(name).(*types.TypeName)
			if !ok || typ.IsAlias() {
				continue
			}
			seen++
			if n := methods(typ.Type()); n > maxMethods {
				t.Errorf("%s.%s has %d methods; more than %d is two objects", p.path, name, n, maxMethods)
			}
		}
	}
	if seen < 100 {
		t.Errorf("looked at %d types only", seen)
	}
}

// methods counts those methods of a type that are declared in this module, its own and promoted ones.
func methods(typ types.Type) int {
	if types.IsInterface(typ) {
		return typ.Underlying().(*types.Interface).NumMethods()
	}
	n := 0
	for set, i := types.NewMethodSet(types.NewPointer(typ)), 0; i < set.Len(); i++ {
		if pkg := set.At(i).Obj().Pkg(); pkg != nil && strings.HasPrefix(pkg.Path(), module) {
			n++
		}
	}
	return n
}
