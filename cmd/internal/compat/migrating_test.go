package compat

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/cmd/internal/config"
)

var update = flag.Bool("update", false, "write the table of docs/migrating.md")

const migratingPage = "../../../docs/migrating.md"

// The tables of docs/migrating.md are generated from gunicorn.txt, uwsgi.txt and nginx.txt.
func TestMigratingTables(t *testing.T) {
	var b strings.Builder
	b.WriteString("| gunicorn | flag | | standpipe |\n| --- | --- | --- | --- |\n")
	for _, g := range gunicorn() {
		say := g.Message
		if say == "" {
			say = "the same"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", g.Name, code(g.Flags), g.State, strings.ReplaceAll(say, "|", "\\|"))
	}
	compareTable(t, "<!-- gunicorn -->\n", b.String())
	b.Reset()
	b.WriteString("| uWSGI | | standpipe |\n| --- | --- | --- |\n")
	for _, u := range uwsgi() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", code(u.names), u.state, strings.ReplaceAll(u.message, "|", "\\|"))
	}
	compareTable(t, "<!-- uwsgi -->\n", b.String())
	b.Reset()
	b.WriteString("| nginx | | standpipe |\n| --- | --- | --- |\n")
	for _, u := range nginx() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", code(u.names), u.state, strings.ReplaceAll(u.message, "|", "\\|"))
	}
	compareTable(t, "<!-- nginx -->\n", b.String())
}

func code(names []string) string {
	var out []string
	for _, name := range names {
		out = append(out, "`"+name+"`")
	}
	return strings.Join(out, ", ")
}

func compareTable(t *testing.T, begin, table string) {
	t.Helper()
	text, err := os.ReadFile(migratingPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	inside, after, ok2 := strings.Cut(rest, "<!-- end -->")
	switch {
	case !ok || !ok2:
		t.Fatal("docs/migrating.md has no table " + begin)
	case *update:
		if err := os.WriteFile(migratingPage, []byte(before+begin+table+"<!-- end -->"+after), 0o644); err != nil {
			t.Fatal(err)
		}
	case inside != table:
		t.Error("a table of docs/migrating.md is stale; run: go test ./cmd/internal/compat -update")
	}
}

// Every option of uWSGI is in the table, and every row has some.
func TestEveryUwsgiOption(t *testing.T) {
	used := map[string]bool{}
	for name := range uwsgiOptions() {
		if _, message, known := Uwsgi(name); !known || message == "" {
			t.Errorf("uWSGI's %s is not in the table", name)
		}
		for _, row := range uwsgi() {
			if row.has(name) {
				used[row.names[0]] = true
				break
			}
		}
	}
	for _, row := range uwsgi() {
		if !used[row.names[0]] {
			t.Errorf("the row of %q has no option", row.names)
		}
	}
	if len(uwsgiOptions()) < 1000 {
		t.Errorf("only %d options were read", len(uwsgiOptions()))
	}
	for _, bad := range []string{"a", "a | someday | x", "a | ours | @none"} {
		if list, err := parseRows(bad); err == nil {
			t.Errorf("%q: %+v", bad, list)
		}
	}
}

// Every setting of gunicorn is in the table, with its flags; standpipe has each flag or a sentence about it.
func TestEveryGunicornSetting(t *testing.T) {
	text, err := os.ReadFile("testdata/gunicorn-settings.txt")
	if err != nil {
		t.Fatal(err)
	}
	table := make(map[string]Flag)
	for _, g := range gunicorn() {
		table[g.Name] = g
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] == "#" {
			continue
		}
		n++
		g, ok := table[f[0]]
		if !ok {
			t.Errorf("gunicorn's %s is not in the table", f[0])
			continue
		}
		delete(table, f[0])
		if !slices.Equal(g.Flags, f[1:]) {
			t.Errorf("%s has the flags %v, the table says %q", f[0], f[1:], g.Flags)
		}
		for _, fl := range f[1:] {
			name := strings.TrimLeft(fl, "-")
			if g.State == Ours {
				if config.FindFlag(name) == nil {
					t.Errorf("%s is called ours, and no setting has it", fl)
				}
				continue
			}
			want := g.Message
			if g.State != Instead {
				want = string(g.State) + ": " + want
			}
			if say := Explain(name); say != want || !strings.HasSuffix(say, ".") || (Unneeded(name) != "") != (g.State == NotNeeded) {
				t.Errorf("%s: %q", fl, say)
			}
		}
	}
	for name := range table {
		t.Errorf("the table has %s, which is no setting of gunicorn's", name)
	}
	if n < 100 {
		t.Errorf("only %d settings were read", n)
	}
}
