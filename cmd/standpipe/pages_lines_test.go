package main

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/cmd/internal/cli"
	"github.com/standpipe/standpipe/cmd/internal/config"
)

// programs are what the command lines of the pages may begin with beside standpipe and make, each with the reason why its lines are not run
// by a test. A line of a ```sh block is run (integration/commands_test.go) and needs no entry.
var programs = map[string]string{
	"pip": "installs from an index", "uv": "installs from an index", "uvx": "installs from an index", "pipx": "installs from an index",
	"docker": "needs its daemon", "crane": "needs a registry", "tar": "unpacks what make has made", "kubectl": "needs a cluster", "helm": "needs a cluster",
	"dpkg": "changes the machine", "apt": "changes the machine", "systemctl": "changes the machine", "sysctl": "changes the machine", "chgrp": "changes the machine", "chmod": "changes the machine",
	"openssl": "writes keys of the reader", "git": "needs the reader's repository", "rsync": "needs another machine", "ssh": "needs another machine",
	"install": "changes the machine", "useradd": "changes the machine", "cp": "changes the machine", "a2enmod": "changes the machine", "a2ensite": "changes the machine",
	"nginx": "is the reader's server", "apachectl": "is the reader's server", "caddy": "is the reader's server",
	"editor": "is for a person", "curl": "asks a server of the reader",
	"cd": "is the reader's folder", "mkdir": "is the reader's folder", "ln": "is the reader's release", "mv": "is the reader's release", "rm": "is the reader's release",
	"python": "is the reader's project", "python3": "is the reader's project", "django-admin": "is the reader's project", ".": "is the reader's shell",
	"source": "is the reader's shell", "export": "is the reader's shell", "kill": "needs the reader's process",
}

// page is one page: its text, and its path in the repository.
type page struct{ name, text string }

// pages are all pages that users read.
func pages(t *testing.T) []page {
	t.Helper()
	var list []page
	add := func(path string) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel("../..", path)
		list = append(list, page{name, string(text)})
	}
	for _, name := range []string{"README.md", "CONTRIBUTING.md", "SECURITY.md"} {
		add("../../" + name)
	}
	for _, folder := range []string{"../../docs", "../../examples", "../../packaging"} {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Name() == ".venv" {
				return filepath.SkipDir
			}
			if err == nil && strings.HasSuffix(path, ".md") {
				add(path)
			}
			return err
		})
		if err != nil || len(list) < 30 {
			t.Fatalf("%d pages, %v", len(list), err)
		}
	}
	return list
}

// line is one command line of a page, or one span of code in its text.
type line struct {
	page  string
	n     int
	block string // the language of its block; empty: a span in the text
	table bool   // it is in a table of docs/migrating, whose other side is checked by cmd/internal/compat
	text  string
}

var spans = regexp.MustCompile("`([^`\n]+)`")

// lines are the lines of all blocks and the spans of code of a page. A line that ends with a backslash goes on with the next one.
func (p page) lines() (list []line) {
	inside, block, joined := false, "", ""
	for i, text := range strings.Split(p.text, "\n") {
		trimmed := strings.TrimSpace(text)
		switch lang, ticks := strings.CutPrefix(trimmed, "```"); {
		case ticks:
			inside, block, joined = !inside, "text", ""
			if lang != "" {
				block = lang
			}
		case inside && strings.HasSuffix(trimmed, `\`):
			joined += strings.TrimSuffix(trimmed, `\`) + " "
		case inside:
			list = append(list, line{p.name, i + 1, block, false, joined + trimmed})
			joined = ""
		default:
			for _, m := range spans.FindAllStringSubmatch(text, -1) {
				list = append(list, line{p.name, i + 1, "", strings.HasPrefix(p.name, "docs/migrating/") && strings.HasPrefix(text, "|"), m[1]})
			}
		}
	}
	return list
}

// commandsOf splits a shell's line into its commands, each a list of words without quotes and redirections.
func commandsOf(text string) (list [][]string) {
	var words []string
	var word strings.Builder
	open, quote := false, byte(0) // a word has begun; the quote that it is in
	end := func() {
		if open {
			words = append(words, word.String())
		}
		word.Reset()
		open = false
	}
	next := func() {
		end()
		if len(words) > 0 {
			list = append(list, words)
		}
		words = nil
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '\'' || c == '"':
			quote, open = c, true
		case c == '\\' && i+1 < len(text):
			i++
			word.WriteByte(text[i])
			open = true
		case c == ' ' || c == '\t':
			end()
		case c == '#' && !open:
			next()
			return list
		case c == ';' || c == '|' || c == '&' || c == '(' || c == ')':
			next()
		case c == '>' || c == '<':
			end()
			for i+1 < len(text) && (text[i+1] == ' ' || text[i+1] == '>') {
				i++
			}
			for i+1 < len(text) && !strings.ContainsRune(" ;|&()", rune(text[i+1])) {
				i++
			}
		default:
			word.WriteByte(c)
			open = true
		}
	}
	next()
	return list
}

var assignment = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*=`)

// program is the base name of what a command runs and its arguments, without variables and programs that run others.
func program(words []string) (name string, args []string) {
	for len(words) > 0 {
		switch {
		case assignment.MatchString(words[0]), words[0] == "exec", words[0] == "sudo", words[0] == "time":
			words = words[1:]
			if len(words) > 1 && words[0] == "-u" {
				words = words[2:]
			}
		default:
			return filepath.Base(words[0]), words[1:]
		}
	}
	return "", nil
}

var (
	within     = regexp.MustCompile(`(?:^|[\s"=/(])standpipe (?:[a-z][a-z-]*)(?:\s|$).*`) // within a line that is no shell's: a unit, an answer, a table of two lines
	ofReader   = regexp.MustCompile(` does not exist| has no certificate;|there is no user |there is no group |no such app|is not a folder`)
	makeTarget = regexp.MustCompile(`(?m)^([a-z][a-z-]*)(?: [a-z-]+)*:`)
)

// Every line of standpipe's on every page, in a block or in the text, is one that standpipe understands: the command, its flags and their
// values. Other programs are known, and a target of make is in the Makefile. A line that a test can run is in a ```sh block and is run by
// the integration tests; ```bash is for the rest, and blocks of other languages hold no command lines.
func TestDocsEveryLine(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]bool{"wheels": true}
	for _, m := range makeTarget.FindAllStringSubmatch(string(makefile), -1) {
		targets[m[1]] = true
	}
	all := pages(t)
	dir := project(t, "app.py", "shop.py", "blog.py", "standpipe.toml=[[app]]\nname = \"shop\"\nmodule = \"shop:app\"\n")
	t.Setenv("PORT", "8000")
	if err := os.MkdirAll(filepath.Join(dir, "static"), 0o755); err != nil {
		t.Fatal(err)
	}
	ours := 0
	for _, p := range all {
		for _, l := range p.lines() {
			shell := l.block == "sh" || l.block == "bash"
			text := l.text
			if l.block == "dockerfile" {
				text = strings.NewReplacer(`", "`, " ", `"]`, "").Replace(text)
			}
			if !shell {
				text = strings.TrimSpace(strings.TrimLeft(within.FindString(text), "\"=/("))
			}
			if l.block == "" && strings.HasPrefix(l.text, "-") && !l.table {
				checkFlags(t, l)
			}
			for _, words := range commandsOf(text) {
				name, args := program(words)
				switch {
				case name == "standpipe":
					ours++
					checkLine(t, l, args)
				case !shell:
				case name == "make":
					for _, a := range args {
						if !strings.Contains(a, "=") && !targets[a] {
							t.Errorf("%s:%d: there is no target %s in the Makefile", l.page, l.n, a)
						}
					}
				case l.block == "bash" && programs[name] == "":
					t.Errorf("%s:%d: %s: the program %q is not in the list of this test", l.page, l.n, l.text, name)
				}
			}
			if first, _ := program(strings.Fields(l.text)); (l.block == "text" || l.block == "console") && !strings.Contains(l.text, "[flags]") &&
				l.page != "docs/commands.md" && (strings.HasPrefix(l.text, "standpipe ") && within.MatchString(l.text) || first == "make" || first != "." && programs[first] != "") {
				t.Errorf("%s:%d: %s: a command line belongs into a block of sh, or of bash when no test can run it", l.page, l.n, l.text)
			}
		}
	}
	if ours < 200 {
		t.Errorf("only %d lines of standpipe's", ours)
	}
}

// checkLine reads one line of standpipe's as the program does; with settings it also reads their values.
func checkLine(t *testing.T, l line, args []string) {
	t.Helper()
	if strings.Contains(l.text, "[flags]") {
		return // the head of a command on docs/commands.md
	}
	if l.block == "" && len(args) > 0 && args[len(args)-1] == "..." {
		args = args[:len(args)-1]
	}
	if strings.Contains(l.text, "exit 2") {
		return // what is wrong about it is the point; it is run
	}
	if len(args) > 1 && args[0] == "standpipe" {
		args = args[1:] // uv run --with standpipe standpipe serve
	}
	for i, a := range args { // what stands for something of the reader's
		args[i] = strings.NewReplacer("$PORT", "8000", "${PORT}", "8000", "NAME=VALUE", "A=b", "COMMAND", "serve", "TOPIC", "workers", "N|A..B", "2..4").Replace(a)
	}
	c, err := newApp(io.Discard, io.Discard).Read(t.Context(), args)
	switch {
	case l.block == "" && len(args) == 1 && err != nil && slices.ContainsFunc(newApp(nil, nil).Commands, func(c *cli.Command) bool { return c.Name == args[0] }):
		return // a command named in the text, without its arguments
	case err != nil:
		t.Errorf("%s:%d: %s: %v", l.page, l.n, l.text, err)
		return
	case c.Command == nil || !c.Command.Settings:
		return
	case len(c.Problems) > 0:
		t.Errorf("%s:%d: %s: %v", l.page, l.n, l.text, c.Problems)
		return
	}
	in, problems, err := configInput(c)
	if err != nil {
		t.Fatal(err)
	}
	if c.Command.Name == "export" {
		in.App = c.Arg(1)
	}
	in.Tolerant = true
	_, _, err = config.Load(in)
	if err = together(problems, err); err == nil {
		return
	}
	if rest := slices.DeleteFunc(strings.Split(err.Error(), "\n"), ofReader.MatchString); len(rest) > 0 && strings.Join(rest, "") != "" {
		t.Errorf("%s:%d: %s:\n%s", l.page, l.n, l.text, strings.Join(rest, "\n"))
	}
}

// flagsOfOthers are flags that the text of the pages names and that are another program's, or are said not to exist.
var flagsOfOthers = map[string]string{
	"--tmpfs": "docker", "--init": "docker", "--target": "pip", "--break-system-packages": "pip", "--workers-max-rss": "Granian", "--workers-lifetime": "Granian",
	"--worker-tmp-dir": "gunicorn", "--no-sendfile": "gunicorn", "--master": "uWSGI",
}

var aFlag = regexp.MustCompile(`^--?[A-Za-z]`)

// checkFlags looks at a flag that the text names: a command of ours has it.
func checkFlags(t *testing.T, l line) {
	t.Helper()
	for _, words := range commandsOf(l.text) {
		for _, w := range words {
			name, _, _ := strings.Cut(strings.TrimLeft(w, "-"), "=")
			if len(w) > 2 && w[0] == '-' && w[1] != '-' {
				name = w[1:2] // -w4
			}
			if !aFlag.MatchString(w) || flagsOfOthers[w] != "" || config.FindFlag(name) != nil {
				continue
			}
			if !slices.ContainsFunc(newApp(nil, nil).Commands, func(c *cli.Command) bool {
				return slices.ContainsFunc(c.Flags, func(f *cli.Flag) bool { return f.Name == name || f.Short == name })
			}) {
				t.Errorf("%s:%d: there is no flag %s", l.page, l.n, w)
			}
		}
	}
}
