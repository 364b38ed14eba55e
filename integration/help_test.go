package integration

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// flagLines are the flags that a help lists.
var flagLines = regexp.MustCompile(`(?m)^   .*?--([a-z0-9][a-z0-9-]*)\b`)

// The help of serve fits on one screen with the ten flags that matter first; --help all has every flag of docs/settings.md.
func TestServeHelpFitsOnAScreen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := run(t, dir, nil, "serve", "--help")
	lines := strings.Split(strings.TrimRight(r.out, "\n"), "\n")
	if r.code != 0 || len(lines) > 24 {
		t.Errorf("exit %d, %d lines\n%s", r.code, len(lines), r.out)
	}
	for _, line := range lines {
		if len(line) > 80 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	flags := map[string]bool{}
	groups := ""
	body, _, _ := strings.Cut(r.out, "\n   standpipe serve --help all")
	for _, line := range strings.Split(body, "\n") {
		if m := flagLines.FindStringSubmatch(line); m != nil {
			flags[m[1]] = true
			groups += strings.TrimSpace(line[:12]) + " "
		}
	}
	if len(flags) != 10 || !holds(groups, "where", "app", "workers", "develop") {
		t.Errorf("%v, %s\n%s", flags, groups, r.out)
	}
	all := run(t, dir, nil, "serve", "--help", "all")
	for _, other := range [][]string{{"serve", "--help=all"}, {"help", "serve", "all"}, {"serve", "-w", "4", "-h", "all"}} {
		if o := run(t, dir, nil, other...); o.out != all.out {
			t.Errorf("%v: %+v", other, o)
		}
	}
	page, err := os.ReadFile("../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	settings := 0
	for _, m := range regexp.MustCompile("(?m)^- flag: `--([a-z0-9-]+)`").FindAllStringSubmatch(string(page), -1) {
		settings++
		if !strings.Contains(all.out, "--"+m[1]) {
			t.Errorf("--help all lacks --%s", m[1])
		}
	}
	if settings < 100 {
		t.Errorf("%d settings", settings)
	}
	for flag := range flags {
		if !strings.Contains(string(page), "`--"+flag+"`") {
			t.Errorf("--%s is in the help and not on the page", flag)
		}
	}
}

// help shows the pages, the settings and the events that the program has, and proposes what is near.
func TestHelpTopics(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	list := run(t, dir, nil, "help")
	_, names, has := strings.Cut(list.out, "\ntopics:\n")
	if list.code != 0 || !has || !holds(names, "workers", "static", "tls", "cache", "logs", "deploy") {
		t.Fatalf("%+v", list)
	}
	names, _, _ = strings.Cut(names, "\n\n")
	for name := range strings.FieldsSeq(strings.ReplaceAll(names, ",", " ")) {
		if r := run(t, dir, nil, "help", name); r.code != 0 || len(r.out) < 500 || strings.Contains(r.out, "\x1b") {
			t.Errorf("%s: exit %d, %d bytes %s", name, r.code, len(r.out), r.errout)
		}
	}
	// A topic with the name of a command is the page, and the command's flags.
	for _, name := range []string{"top", "dashboard"} {
		r, flags := run(t, dir, nil, "help", name), run(t, dir, nil, name, "--help")
		page, err := os.ReadFile("../docs/" + name + ".md")
		if err != nil {
			t.Fatal(err)
		}
		title, _, _ := strings.Cut(strings.TrimPrefix(string(page), "# "), "\n")
		if !strings.HasPrefix(r.out, title+"\n") || len(r.out) < len(page)/2 || !strings.Contains(r.out, "\n    standpipe "+name+" - ") || strings.HasPrefix(flags.out, title) {
			t.Errorf("help %s: %s", name, r.out)
		}
	}
	for topic, want := range map[string]string{"max_rss": "STANDPIPE_MAX_RSS", "queue_full": "What to do", "docker": "Dockerfile", "serve": "--help all"} {
		if r := run(t, dir, nil, "help", topic); r.code != 0 || !strings.Contains(r.out, want) {
			t.Errorf("%s: %+v", topic, r)
		}
	}
	for topic, want := range map[string]string{"wrokers": "standpipe help workers", "relod": "standpipe help reload", "qqqq": "standpipe help lists"} {
		if r := run(t, dir, nil, "help", topic); r.code != 2 || !strings.Contains(r.errout, want) {
			t.Errorf("%s: %+v", topic, r)
		}
	}
}

// At a terminal a long page goes to $PAGER, with colours; a short one, and PAGER=cat, do not.
func TestHelpUsesThePager(t *testing.T) {
	t.Parallel()
	dir := project(t, nil)
	putProgram(t, dir+"/pager", []byte("#!/bin/sh\necho PAGED\ncat\n"))
	script := `import os, pty, sys
def read(fd):
    return os.read(fd, 65536)
sys.exit(pty.spawn(sys.argv[1:], read) >> 8)
`
	write(t, dir, map[string]string{"terminal.py": script})
	for _, c := range []struct {
		pager, topic string
		paged, color bool
	}{{dir + "/pager", "workers", true, true}, {"cat", "workers", false, true}, {"", "workers", false, true}, {dir + "/pager", "max_rss", false, true}} {
		cmd := exec.Command("python3", "terminal.py", built.binary, "help", c.topic)
		cmd.Dir, cmd.Env = dir, append(cleanEnv(t), "TERM=xterm", "PAGER="+c.pager)
		timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		out, err := cmd.CombinedOutput()
		timer.Stop()
		text := string(out)
		if err != nil || strings.Contains(text, "PAGED") != c.paged || strings.Contains(text, "\x1b[") != c.color || len(text) < 100 {
			t.Errorf("PAGER=%q %s: %v\n%s", c.pager, c.topic, err, text)
		}
	}
}

// The pages that are in the program are those of docs/: what standpipe help says is what the site says.
func TestHelpIsTheDocs(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/workers.md")
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, t.TempDir(), nil, "help", "workers")
	said := strings.Join(strings.Fields(r.out), " ")
	for _, m := range regexp.MustCompile("(?m)^## (.*)$").FindAllStringSubmatch(string(page), -1) {
		if !strings.Contains(said, m[1]) {
			t.Errorf("%q is not shown", m[1])
		}
	}
}
