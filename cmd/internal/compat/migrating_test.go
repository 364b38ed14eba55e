package compat

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/cmd/internal/config"
)

var update = flag.Bool("update", false, "write the tables of docs/migrating")

const migratingPages = "../../../docs/migrating"

// movingTable is a table of a page in docs/migrating.
type movingTable struct {
	page string // the file's name without .md; also that of its mark, unless there are several
	mark string
	head string
	rows []optionRow
}

// movingTables are all of them, as the pages show them.
func movingTables(t *testing.T) []movingTable {
	t.Helper()
	var settings []optionRow
	for _, g := range gunicorn() {
		settings = append(settings, optionRow{[]string{g.Name}, g.State, g.Message})
	}
	list := []movingTable{
		{"gunicorn", "gunicorn", "gunicorn | flag", settings},
		{"uwsgi", "uwsgi", "uWSGI", uwsgi()},
		{"nginx", "nginx", "nginx", nginx()},
		{"waitress", "waitress", "Waitress", tableOf(t, "waitress.txt")},
		{"granian", "granian", "Granian", tableOf(t, "granian.txt")},
	}
	var directives, options, express []optionRow
	for _, row := range tableOf(t, "modwsgi.txt") {
		switch first := row.names[0]; {
		case strings.HasPrefix(first, "--"):
			express = append(express, row)
		case strings.HasSuffix(first, "="):
			options = append(options, row)
		default:
			directives = append(directives, row)
		}
	}
	list = append(list, movingTable{"mod_wsgi", "directives", "directive", directives}, movingTable{"mod_wsgi", "options", "option", options},
		movingTable{"mod_wsgi", "express", "mod_wsgi-express", express})
	byObject := map[string][]optionRow{}
	for _, row := range tableOf(t, "unit.txt") {
		object, _, _ := strings.Cut(row.names[0], ".")
		byObject[strings.TrimLeft(object, "/")] = append(byObject[strings.TrimLeft(object, "/")], row)
	}
	for _, object := range []string{"settings", "listeners", "routes", "upstreams", "applications", "access_log", "config"} {
		list = append(list, movingTable{"unit", object, object, byObject[object]})
	}
	words := map[string][]optionRow{}
	for _, row := range tableOf(t, "caddy.txt") {
		words[caddyPart(row.names[0])] = append(words[caddyPart(row.names[0])], row)
	}
	for _, part := range []string{"addresses", "global", "directives", "reverse_proxy", "tls", "matchers", "placeholders"} {
		list = append(list, movingTable{"caddy", part, "Caddyfile", words[part]})
	}
	return list
}

// caddyPart is the part of Caddy's page that a word is in.
func caddyPart(name string) string {
	switch first, _, inside := strings.Cut(name, "."); {
	case strings.HasPrefix(name, "{"):
		return "placeholders"
	case strings.ContainsAny(name, ":/") || first == "localhost" || first == "example":
		return "addresses"
	case first == "matcher":
		return "matchers"
	case inside && slices.Contains([]string{"global", "reverse_proxy", "tls"}, first):
		return first
	}
	return "directives"
}

// tableOf reads a table that only pages have: the program does not hold it.
func tableOf(t *testing.T, file string) []optionRow {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	list, err := parseRows(string(text))
	if err != nil || len(list) == 0 {
		t.Fatalf("%s: %d rows, %v", file, len(list), err)
	}
	return list
}

var pageName = regexp.MustCompile(`docs/([a-z0-9-]+\.md)`)

// The tables of docs/migrating/*.md are generated from the tables of this package.
func TestMigratingTables(t *testing.T) {
	flags := map[string]string{}
	for _, g := range gunicorn() {
		flags[g.Name] = code(g.Flags)
	}
	for _, m := range movingTables(t) {
		if len(m.rows) == 0 {
			t.Errorf("%s: no row for %s", m.page, m.mark)
		}
		var b strings.Builder
		fmt.Fprintf(&b, "| %s | | standpipe |\n|%s --- | --- |\n", m.head, strings.Repeat(" --- |", 1+strings.Count(m.head, "|")))
		for _, row := range m.rows {
			first := code(row.names)
			if m.page == "gunicorn" {
				first = row.names[0] + " | " + flags[row.names[0]]
			}
			say := row.message
			if say == "" {
				say = "the same"
			}
			say = pageName.ReplaceAllString(strings.ReplaceAll(say, "|", "\\|"), "[$1](../$1)")
			fmt.Fprintf(&b, "| %s | %s | %s |\n", first, row.state, say)
		}
		compareTable(t, m.page, "<!-- "+m.mark+" -->\n", b.String())
	}
}

func code(names []string) string {
	var out []string
	for _, name := range names {
		out = append(out, "`"+name+"`")
	}
	return strings.Join(out, ", ")
}

func compareTable(t *testing.T, page, begin, table string) {
	t.Helper()
	file := filepath.Join(migratingPages, page+".md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	inside, after, ok2 := strings.Cut(rest, "<!-- end -->")
	switch {
	case !ok || !ok2:
		t.Fatalf("%s has no table %s", file, begin)
	case *update:
		if err := os.WriteFile(file, []byte(before+begin+table+"<!-- end -->"+after), 0o644); err != nil {
			t.Fatal(err)
		}
	case inside != table:
		t.Errorf("a table of %s is stale; run: go test ./cmd/internal/compat -update", file)
	}
}

var (
	quoted    = regexp.MustCompile("`[^`]+`")
	anyFlag   = regexp.MustCompile(`\B--?([A-Za-z][A-Za-z0-9-]*)`)
	keyWord   = regexp.MustCompile(`^[a-z]+(?:_[a-z0-9]+)*$`)
	keysIn    = regexp.MustCompile("((?:`[a-z_0-9]+(?: = [^`]*)?`(?:, | and |, and |, or )?)+) in (\\[\\[?[a-z.]+\\]\\]?)")
	tableName = regexp.MustCompile(`\[\[?([a-z]+(?:\.[a-z]+)?)\]\]?`)
	foreign   = map[string]bool{ // words in code that are no setting of ours: what an address, a field or another program says
		"fd": true, "no-cache": true, "off": true, "python": true, "host": true, "force": true, "asgi": true, "rsgi": true, "fork": true,
		"forwarded_ignored": true, "-X": true, "-in": true, "--load": true, "--paste": true,
	}
)

// Each flag, key and table that a sentence names is one of ours, so that a setting that gets another name turns this red; a row that
// is called ours names something, and each other row says something. No name is in a table twice.
func TestMigratingSentences(t *testing.T) {
	keys, tables := map[string]bool{}, map[string]map[string]bool{}
	for _, s := range config.Settings() {
		keys[s.Key] = true
		for _, in := range tableName.FindAllStringSubmatch(s.Scope().Heading(), -1) { // [[static]] and [[app.static]] are one scope
			if tables[in[1]] == nil {
				tables[in[1]] = map[string]bool{}
			}
			tables[in[1]][s.Key] = true
		}
	}
	for _, m := range movingTables(t) {
		seen := map[string]bool{}
		for _, row := range m.rows {
			for _, name := range row.names {
				if seen[name] {
					t.Errorf("%s: %s is there twice", m.page, name)
				}
				seen[name] = true
			}
			spans := strings.Join(quoted.FindAllString(row.message, -1), " ")
			about := m.page + ": " + row.names[0] + ": " + row.message
			for _, span := range quoted.FindAllString(row.message, -1) {
				key, _, isValue := strings.Cut(strings.Trim(span, "`"), " = ")
				if (isValue || strings.Contains(key, "_")) && keyWord.MatchString(key) && !keys[key] && !foreign[key] {
					t.Errorf("%s\n  there is no setting %s", about, key)
				}
			}
			for _, f := range anyFlag.FindAllStringSubmatch(row.message, -1) {
				if config.FindFlag(f[1]) == nil && !foreign[f[0]] {
					t.Errorf("%s\n  there is no flag %s", about, f[0])
				}
			}
			for _, in := range keysIn.FindAllStringSubmatch(row.message, -1) {
				table := strings.Trim(in[2], "[]")
				for _, span := range quoted.FindAllString(in[1], -1) {
					key, _, _ := strings.Cut(strings.Trim(span, "`"), " = ")
					if !tables[table][key] && !foreign[key] {
						t.Errorf("%s\n  %s has no %s", about, in[2], key)
					}
				}
			}
			named := tableName.FindAllStringSubmatch(row.message, -1)
			for _, in := range named {
				if tables[in[1]] == nil {
					t.Errorf("%s\n  there is no table %s", about, in[0])
				}
			}
			if row.state == Ours && m.page != "gunicorn" && spans == "" && len(named) == 0 && !strings.Contains(row.message, "APP") {
				t.Errorf("%s\n  is called ours, and names nothing of ours", about)
			}
			if row.state != Ours && row.message == "" {
				t.Errorf("%s\n  says nothing", about)
			}
		}
	}
}

// The tables of mod_wsgi and of NGINX Unit have all names that the projects' sources have, and no other.
func TestEveryNameIsInTheTables(t *testing.T) {
	for file, table := range map[string]string{"testdata/modwsgi-names.txt": "modwsgi.txt", "testdata/unit-names.txt": "unit.txt"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		rows, used, n := tableOf(t, table), map[string]bool{}, 0
		for line := range strings.Lines(string(text)) {
			name := strings.TrimSpace(line)
			if name == "" || name[0] == '#' {
				continue
			}
			n++
			i := slices.IndexFunc(rows, func(r optionRow) bool { return r.has(name) })
			if i < 0 {
				t.Errorf("%s has no row for %s", table, name)
				continue
			}
			for _, given := range rows[i].names {
				if begin, all := strings.CutSuffix(given, "*"); given == name || all && strings.HasPrefix(name, begin) {
					used[given] = true
				}
			}
		}
		for _, row := range rows {
			for _, name := range row.names {
				if !used[name] {
					t.Errorf("%s: %s is in no source", table, name)
				}
			}
		}
		if n < 80 {
			t.Errorf("%s: only %d names", file, n)
		}
	}
}
