package events

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = "../../.."

func TestLogsPageIsFresh(t *testing.T) {
	var b strings.Builder
	if err := WritePage(&b); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(root + "/docs/logs.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != b.String() {
		t.Error("docs/logs.md is stale; run: go run ./cmd/internal/events/gen")
	}
}

// The table itself: names, sentences, and fields that are explained and used.
func TestTable(t *testing.T) {
	used := map[string]bool{}
	for _, e := range All() {
		if !regexp.MustCompile(`^[a-z_]+$`).MatchString(e.Name) || !strings.HasSuffix(e.Message, ".") || !strings.HasSuffix(e.Do, ".") || e.Levels == "" {
			t.Errorf("%+v", e)
		}
		for _, f := range e.Fields {
			used[f] = true
			if fields[f] == "" {
				t.Errorf("%s: the field %s is not in fields.go", e.Name, f)
			}
		}
	}
	for f := range fields {
		if !used[f] {
			t.Errorf("no event has the field %s", f)
		}
	}
}

// mentioned are the calls in the sources that log: the event and the keys that are literals.
type mentioned struct {
	where, event string
	keys         []string
}

// Every event that the sources log is in the table, with its fields.
func TestDocsOfEveryEvent(t *testing.T) {
	found := append(inGo(t), inPython(t)...)
	if len(found) < 60 {
		t.Fatalf("only %d calls were found: the search is broken", len(found))
	}
	for _, m := range found {
		e, ok := Of(m.event)
		if !ok {
			t.Errorf("%s: the event %s is not in the table: add it to cmd/internal/events (with what to do), and run: go run ./cmd/internal/events/gen", m.where, m.event)
			continue
		}
		for _, k := range m.keys {
			if k != "message" && !slices.Contains(e.Fields, k) {
				t.Errorf("%s: %s has the field %s, which the table in cmd/internal/events does not name; add it, and run: go run ./cmd/internal/events/gen", m.where, m.event, k)
			}
		}
	}
}

func inGo(t *testing.T) (found []mentioned) {
	t.Helper()
	set := token.NewFileSet()
	word := regexp.MustCompile(`^[a-z][a-z_]+$`)
	for _, dir := range []string{"cmd", "bridge", "supervisor"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(set, path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || len(call.Args) == 0 {
					return true
				}
				sel, ok := call.Fun.(*ast.SelectorExpr)
				if !ok || !slices.Contains([]string{"Trace", "Debug", "Info", "Warn", "Error", "record"}, sel.Sel.Name) {
					return true
				}
				if sel.Sel.Name == "record" && !strings.Contains(path, "cmd/standpipe") {
					return true // the control socket's own: the event is "control"
				}
				event := literal(call.Args[0])
				if !word.MatchString(event) {
					return true
				}
				m := mentioned{where: set.Position(call.Pos()).String(), event: event}
				args := call.Args[1:]
				if len(args) == 1 { // append(pairs, "key", value)...
					if inner, ok := args[0].(*ast.CallExpr); ok && len(inner.Args) > 0 {
						args = inner.Args[1:]
					}
				}
				for i := 0; i < len(args); i += 2 {
					if k := literal(args[i]); word.MatchString(k) {
						m.keys = append(m.keys, k)
					}
				}
				found = append(found, m)
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

func literal(e ast.Expr) string {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return ""
	}
	s, _ := strconv.Unquote(l.Value)
	return s
}

func inPython(t *testing.T) (found []mentioned) {
	t.Helper()
	call := regexp.MustCompile(`(?:_?log\.put\(\s*"(?:debug|info|warn|error)",\s*|\b_log\(\s*)"([a-z_]+)"`)
	err := filepath.WalkDir(root+"/shim_py/standpipe_shim", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".py") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range call.FindAllStringSubmatch(string(text), -1) {
			found = append(found, mentioned{where: path, event: m[1]})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
