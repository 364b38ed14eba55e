package integration

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/standpipe/standpipe"

// law is one row of the import law: what a top-level folder, with everything below it, may import.
type law struct {
	folder string
	ours   []string // folders it may import, besides itself
	others []string // third-party modules its own files may import; nil: none
	never  []string // what must not be in it even by way of others (packages, with all below them)
}

var (
	httpLibraries = []string{
		"github.com/hashicorp/go-hclog", "golang.org/x/sys", "golang.org/x/net", "github.com/klauspost/compress",
		"github.com/andybalholm/brotli", "github.com/fsnotify/fsnotify", "github.com/prometheus/client_golang", "github.com/quic-go/quic-go",
		"golang.org/x/crypto", "github.com/oschwald/maxminddb-golang", "github.com/maypok86/otter/v2",
	}
	laws = []law{ // the first that a package is under counts
		{"shim/wire", nil, []string{"github.com/vmihailenco/msgpack/v5"}, []string{"net", "os/exec", "github.com/hashicorp/go-hclog"}},
		{"shim", nil, []string{"github.com/vmihailenco/msgpack/v5"}, []string{"net/http", "os/exec", "github.com/hashicorp/go-hclog"}},
		{"supervisor", []string{"shim"}, []string{"github.com/hashicorp/go-hclog", "golang.org/x/sys"}, []string{"net/http", "github.com/pelletier/go-toml"}},
		{"bridge", []string{"shim"}, httpLibraries, []string{"os/exec", "github.com/pelletier/go-toml"}},
		{"shim_py", nil, nil, []string{"net/http", "os/exec"}},
		{"docs", nil, nil, []string{"net/http", "os/exec"}}, // the pages, for standpipe help
		{"integration", []string{"shim"}, []string{"github.com/miekg/dns", "github.com/prometheus/client_golang/prometheus/testutil/promlint", "github.com/quic-go/quic-go", "golang.org/x/net/http2/hpack", "golang.org/x/crypto", "github.com/maxmind/mmdbwriter", "google.golang.org/protobuf"}, nil},
	}
	// bridgeMay are the packages inside bridge, besides leaves, that one of them may import.
	bridgeMay = map[string][]string{
		"bridge/http1": {"bridge/listen"}, // connections come from there
		"bridge/https": {"bridge/listen"},
		"bridge/uwsgi": {"bridge/listen"},
		// A tier of the cache stores its answers; rules is the pure part of it.
		"bridge/cache":      {"bridge/cache/rules"},
		"bridge/cache/disk": {"bridge/cache", "bridge/cache/rules"},
	}
	// bridgeLeaves are what the packages inside bridge may share. A leaf may import those before it.
	bridgeLeaves = []string{"bridge/netset", "bridge/kept", "bridge/logtext", "bridge/proxyproto", "bridge/cpu", "bridge/spool", "bridge/trace", "bridge/httpx", "bridge/cgi", "bridge/body", "bridge/content", "bridge/upstream", "bridge/target"}
)

// goPackage is what `go list -json` says.
type goPackage struct {
	ImportPath, Name, Dir, Doc         string
	Imports, TestImports, XTestImports []string
	Deps                               []string
}

// folder is the path inside the module, "" for the root.
func (p goPackage) folder() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

func goList(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Name,Dir,Imports,TestImports,XTestImports,Deps,Doc", "./...")
	cmd.Dir = repoDir()
	var errout bytes.Buffer
	cmd.Stderr = &errout
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, errout.String())
	}
	var list []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if under(p.ImportPath, module) {
			list = append(list, p)
		}
	}
	if len(list) == 0 {
		t.Fatal("go list names no package of ours")
	}
	return list
}

// under says whether path is root or below it; a root without its major version covers all of them.
func under(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

func underAny(path string, roots []string) bool {
	return slices.ContainsFunc(roots, func(r string) bool { return under(path, r) })
}

// breaches are the imports of a package that the law forbids.
func breaches(p goPackage) []string {
	var list []string
	bad := func(format string, args ...any) {
		list = append(list, p.ImportPath+" "+fmt.Sprintf(format, args...))
	}
	folder := p.folder()
	i := slices.IndexFunc(laws, func(l law) bool { return under(folder, l.folder) })
	if i < 0 {
		if !under(folder, "cmd") {
			bad("is in no folder of the import law: add it there, or move it")
		}
		return list
	}
	l := laws[i]
	imports := p.Imports
	if folder == "integration" {
		imports = slices.Concat(imports, p.TestImports, p.XTestImports)
	}
	for _, path := range imports {
		first, _, _ := strings.Cut(path, "/")
		switch {
		case under(path, module):
			target := strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
			if !under(target, l.folder) && !underAny(target, l.ours) {
				bad("imports %s; %s may import %v", target, l.folder, l.ours)
			}
			if l.folder == "bridge" && under(target, "bridge") && target != folder {
				from, to := slices.Index(bridgeLeaves, folder), slices.Index(bridgeLeaves, target)
				if from >= 0 && (to < 0 || to > from) {
					bad("is a leaf and imports %s, which is not one of the leaves before it", target)
				} else if to < 0 && !slices.Contains(bridgeMay[folder], target) {
					bad("imports its neighbour %s; they meet in cmd/internal/compose", target)
				}
			}
		case strings.Contains(first, "."):
			if !underAny(path, l.others) {
				bad("imports %s; %s may import %v", path, l.folder, l.others)
			}
		}
	}
	for _, path := range p.Deps {
		if underAny(path, l.never) {
			bad("imports %s, directly or through another package", path)
		}
	}
	return list
}

func TestImportLaw(t *testing.T) {
	t.Parallel()
	for _, p := range goList(t) {
		for _, b := range breaches(p) {
			t.Error(b)
		}
	}
	// Made-up packages that break the law, one clause each: the test finds each of them.
	for _, p := range []goPackage{
		{ImportPath: module + "/shim", Imports: []string{module + "/supervisor"}},
		{ImportPath: module + "/shim/wire", Imports: []string{module + "/shim"}},
		{ImportPath: module + "/shim/wire", Deps: []string{"net"}},
		{ImportPath: module + "/bridge/wsgi", Imports: []string{module + "/bridge/static"}},
		{ImportPath: module + "/shim", Deps: []string{"net/http/httptrace"}},
		{ImportPath: module + "/supervisor", Imports: []string{module + "/cmd/internal/config"}},
		{ImportPath: module + "/supervisor", Imports: []string{"github.com/pelletier/go-toml/v2"}},
		{ImportPath: module + "/bridge", Deps: []string{"os/exec"}},
		{ImportPath: module + "/bridge/static", Imports: []string{module + "/bridge/proxy"}},
		{ImportPath: module + "/bridge/httpx", Imports: []string{module + "/bridge/cgi"}},
		{ImportPath: module + "/bridge/spool", Imports: []string{module + "/bridge/body"}},
		{ImportPath: module + "/bridge/body", Imports: []string{module + "/bridge/static"}},
		{ImportPath: module + "/shim_py", Imports: []string{"golang.org/x/sys/unix"}},
		{ImportPath: module + "/integration", TestImports: []string{module + "/supervisor"}},
		{ImportPath: module + "/helpers"},
	} {
		if len(breaches(p)) == 0 {
			t.Errorf("no breach found in %+v", p)
		}
	}
}

// templates look up methods by name at run time. A program that contains one keeps every exported method of every type that
// it may hold in an interface, called or not: that made this one larger by an eighth.
var templates = []string{"text/template", "html/template"}

// templateImports are the packages, in lines of a path and its imports, that import one of templates.
func templateImports(list string) (found []string, packages int) {
	for line := range strings.Lines(list) {
		path, imports, _ := strings.Cut(strings.TrimSpace(line), " ")
		packages++
		for _, i := range strings.Fields(imports) {
			if slices.Contains(templates, i) && !underAny(path, templates) {
				found = append(found, path+" imports "+i)
			}
		}
	}
	return found, packages
}

// No package of the program, ours or a library's, imports templates.
func TestDepsHaveNoTemplates(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("go", "list", "-deps", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./cmd/standpipe")
	cmd.Dir = repoDir()
	var errout bytes.Buffer
	cmd.Stderr = &errout
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, errout.String())
	}
	found, packages := templateImports(string(out))
	for _, f := range found {
		t.Errorf("%s: its look-up of methods by name keeps the linker from leaving out methods that nothing calls, and the program grows by an eighth; write the text in Go, as cmd/internal/export does", f)
	}
	if packages < 100 || !strings.Contains(string(out), module+"/cmd/internal/export ") {
		t.Errorf("go list names %d packages, or not all of the program", packages)
	}
	// The law bites.
	if found, _ := templateImports("html/template text/template\n" + module + "/cmd/internal/a fmt text/template\ngithub.com/some/cli html/template io\n"); len(found) != 2 {
		t.Errorf("breaches of made-up packages: %q", found)
	}
}

// A top-level folder says in doc.go what it is for, and every package at least in its package comment.
func TestEveryPackageHasDoc(t *testing.T) {
	t.Parallel()
	for _, p := range goList(t) {
		if p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
		if strings.Contains(p.folder(), "/") {
			continue
		}
		if _, err := os.Stat(filepath.Join(p.Dir, "doc.go")); err != nil {
			t.Error(err)
		}
	}
}

// The binary runs on any Linux of its architecture: no interpreter, no shared library.
func TestBinaryIsStatic(t *testing.T) {
	t.Parallel()
	f, err := elf.Open(built.binary)
	if err != nil {
		var format *elf.FormatError
		if errors.As(err, &format) {
			skip(t, "no-elf", "not an ELF platform: "+err.Error())
		}
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the binary has a program header %v: built without CGO_ENABLED=0?", p.Type)
		}
	}
	if libs, _ := f.ImportedLibraries(); len(libs) > 0 {
		t.Errorf("needs %v", libs)
	}
}

// A file is one noun, of at most 400 lines; so are the tests in this folder.
func TestFileSizes(t *testing.T) {
	t.Parallel()
	const limit = 400
	seen := 0
	err := filepath.WalkDir(repoDir(), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // another test's, which has ended
		}
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != repoDir() && (strings.HasPrefix(name, ".") || name == "testdata" || name == "tests" || name == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		goFile := strings.HasSuffix(name, ".go") && (!strings.HasSuffix(name, "_test.go") || filepath.Dir(path) == filepath.Join(repoDir(), "integration"))
		if !goFile && !strings.HasSuffix(name, ".py") {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seen++
		if n := bytes.Count(b, []byte("\n")); n > limit {
			t.Errorf("%s has %d lines: more than %d; split it by nouns", path, n, limit)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen == 0 {
		t.Error("found no file")
	}
}
