package laws

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// better are identifiers that go, each with the name that a Go or nginx engineer would guess. As ordinary English words they may stay.
var better = map[string]string{
	"turn": "request", "crew": "acceptors", "kit": "scratch", "kin": "childTable", "seat": "openMount", "patient": "limitListener",
	"door": "listener", "held": "coalescer", "fence": "rssExceeded", "beat": "alignedTicker", "letter": "handshake",
	"seldom": "LogLimiter", "note": "RequestInfo", "octet": "byte", "octets": "bytes",
}

// prose are turns of phrase that plain English does without, in comments, texts and pages; each with what to write instead.
var prose = []struct {
	pattern *regexp.Regexp
	most    int // how many may stay in the whole tree
	instead string
}{
	{regexp.MustCompile(`(?i)\boctets?\b`), 40, "bytes; octets only where an RFC is quoted"},
	{regexp.MustCompile(`(?i)\banew\b`), 0, "again"},
	{regexp.MustCompile(`(?i)\bwho(ever|soever)\b`), 0, "a client that, a caller that"},
	{regexp.MustCompile(`(?i)\bstands? there\b`), 0, "is, exists"},
	{regexp.MustCompile(`(?i)\blaws? of imports?\b`), 0, "import law"},
	{regexp.MustCompile(`(?i)\bgives? (root|it|the privileges) up\b|\bgives? up root\b`), 0, "drops privileges"},
	{regexp.MustCompile(`(?i)\bwaiting lines?\b`), 0, "queue"},
	{regexp.MustCompile(`(?i)\b(is|are) left over\b`), 0, "unexpected"},
}

// TestIdentifiers looks at every declared name of the Go code.
func TestIdentifiers(t *testing.T) {
	t.Parallel()
	for _, name := range tracked(t, ".go") {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, filepath.Join(root, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		said := map[string]bool{}
		ast.Inspect(f, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && !said[id.Name] {
				if instead, bad := better[strings.ToLower(id.Name)]; bad {
					said[id.Name] = true
					t.Errorf("%s: %s: say %s", fset.Position(id.Pos()), id.Name, instead)
				}
			}
			return true
		})
	}
}

// TestProse counts the phrases in everything that people read.
func TestProse(t *testing.T) {
	t.Parallel()
	files := tracked(t, ".go", ".py", ".md", ".sh", ".toml", "Makefile", ".ci/run", ".ci/nightly")
	for _, p := range prose {
		found := 0
		var places []string
		for _, name := range files {
			if strings.HasSuffix(name, "laws/words_test.go") {
				continue
			}
			text := strings.ReplaceAll(read(t, name), "octet-stream", "")
			for _, at := range p.pattern.FindAllStringIndex(text, -1) {
				found++
				places = append(places, name+":"+strconv.Itoa(1+strings.Count(text[:at[0]], "\n"))+": "+text[at[0]:at[1]])
			}
		}
		if found > p.most {
			t.Errorf("%d places (at most %d), say %s:\n  %s", found, p.most, p.instead, strings.Join(places, "\n  "))
		}
	}
}
