package compat

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/cmd/internal/config"
)

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
