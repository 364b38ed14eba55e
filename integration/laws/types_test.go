package laws

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	module     = "github.com/standpipe/standpipe"
	maxMethods = 20
)

// TestMethods counts the methods of each type, with those that it gets from embedded types of ours: an object with more than
// twenty is two objects.
func TestMethods(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Dir,GoFiles,Export", "./...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	var errout bytes.Buffer
	cmd.Stderr = &errout
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list -export: %v\n%s", err, errout.String())
	}
	type listed struct {
		ImportPath, Dir, Export string
		GoFiles                 []string
	}
	exports := map[string]string{}
	var ours []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if p.ImportPath == module || strings.HasPrefix(p.ImportPath, module+"/") {
			ours = append(ours, p)
		}
	}
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	seen := 0
	for _, p := range ours {
		var files []*ast.File
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
		pkg, err := (&types.Config{Importer: imports, FakeImportC: true}).Check(p.ImportPath, fset, files, nil)
		if err != nil {
			t.Fatalf("%s: %v", p.ImportPath, err)
		}
		for _, name := range pkg.Scope().Names() {
			typ, ok := pkg.Scope().Lookup(name).(*types.TypeName)
			if !ok || typ.IsAlias() {
				continue
			}
			seen++
			if n := methods(typ.Type()); n > maxMethods {
				t.Errorf("%s.%s has %d methods; more than %d is two objects", strings.TrimPrefix(p.ImportPath, module+"/"), name, n, maxMethods)
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
