package integration

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// fiveApps is a configuration with more of everything than the lines of a start could name one by one.
func fiveApps(files map[string]string) string {
	var b strings.Builder
	b.WriteString("bind = [\"127.0.0.1:0\", \"https://127.0.0.1:0\"]\ncontrol = \"control.sock\"\n[acme]\nhttps = [\"app.localhost\", \"other.localhost\"]\n")
	for i := range 5 {
		files[fmt.Sprintf("app%d/app.py", i)] = steadyGate
		fmt.Fprintf(&b, "[[app]]\nname = \"app%d\"\ndir = \"app%[1]d\"\nmodule = \"app:app\"\nmount = \"/app%[1]d\"\nworkers = 1\n", i)
	}
	for i := range 20 {
		files[fmt.Sprintf("files/%d/x", i)] = "x"
		fmt.Fprintf(&b, "[[static]]\nurl = \"/files%d/\"\ndir = \"files/%[1]d\"\n", i)
	}
	for i := range 6 {
		fmt.Fprintf(&b, "[[route]]\npath = \"/route%d\"\nhandler = \"proxy\"\nupstreams = [\"http://127.0.0.1:1\"]\n", i)
	}
	return b.String()
}

// ofMachine are lines of a start that a slow machine adds: a worker that imports its app for 10 s, and what apps print that are started
// again while others of their workers still boot.
var ofMachine = regexp.MustCompile(`(?m)^\d{4}-\S+ (\[WARN\]  boot_waits: |\[INFO\]  \S+/\d+: ).*\n(  \|.*\n)*`)

// said is what a person reads at a start, without the lines of a slow machine.
func said(text string) string { return ofMachine.ReplaceAllString(text, "") }

// A person reads at most eight lines, warnings included, however much is served; they are aligned, and nothing comes before them.
func TestStartHasEightLines(t *testing.T) {
	t.Parallel()
	shop, err := filepath.Abs("apps/flask_shop")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	files["standpipe.toml"] = fiveApps(files)
	several := project(t, files)
	for name, c := range map[string]struct {
		dir   string
		args  []string
		env   []string
		names []string // what the lines have
	}{
		"one app":   {shop, []string{"-b", "127.0.0.1:0", "-w", "2", "--python", python(t), "--control", "off"}, nil, []string{"127.0.0.1", "wsgi.py", "2 workers", "3.", "/static/", "/livez", "-b 0.0.0.0"}},
		"warnings":  {shop, []string{"-b", "127.0.0.1:0", "-w", "1", "--python", python(t), "--control", "off"}, []string{"STANDPIPE_WROKERS=3", "STANDPIPE_BNID=x", "STANDPIPE_TIMEUOT=1", "GUNICORN_CMD_ARGS=x"}, []string{"STANDPIPE_WROKERS", "STANDPIPE_WORKERS", "more: standpipe check"}},
		"five apps": {several, nil, []string{"HOME=" + t.TempDir()}, []string{"standpipe.toml", "https://app.localhost", "app0", "app4", "5 workers", "/route0", "standpipe config", "/files0/", "18 more", "control.sock"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, opts{Dir: c.dir, Bare: true, NoWait: true, Env: c.env, Args: append(c.args, "--log-format", "text")})
			s.waitBanner("health")
			eventually(t, fmt.Sprintf("%q in the lines", c.names), func() bool { return holds(s.stderrText(), c.names...) }) // some come after health
			lines := strings.Split(strings.TrimRight(said(s.stderrText()+"\n"), "\n"), "\n")
			if len(lines) > 8 || !strings.HasPrefix(lines[0], "standpipe ") {
				t.Errorf("%d lines:\n%s", len(lines), s.stderrText())
			}
			column := regexp.MustCompile(`^  (\S.*?)?\s{2,}`)
			for _, line := range lines[1:] {
				if m := column.FindString(line); m == "" || len(m) != len(column.FindString(lines[1])) {
					t.Errorf("%q is not aligned with %q", line, lines[1])
				}
			}
		})
	}
}

// With a log for programs each warning is a record of its own, as before.
func TestStartWarningsAreRecordsForPrograms(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": steadyGate}), Env: []string{"STANDPIPE_WROKERS=3"}})
	found := false
	for _, r := range s.events("config") {
		found = found || r.names("STANDPIPE_WROKERS")
	}
	if !found {
		t.Error(s.stderrText())
	}
}

// A start that fails tells a person the place, the reason and the command to run, and nothing else: no record, no repetition.
func TestFailedStartSaysWhatToDo(t *testing.T) {
	t.Parallel()
	flask := "from flask import Flask\n\napp = Flask(__name__)\n"
	djangoOnly := "from django.core.wsgi import get_wsgi_application\n\napplication = get_wsgi_application()\n"
	fastapi := map[string]string{"main.py": "from fastapi import FastAPI\n\napp = FastAPI()\n"}
	for name, c := range map[string]struct {
		files map[string]string
		args  []string
		place string
		fix   []string
	}{
		"an ASGI app":                 {fastapi, nil, "main.py:3", []string{"-m pip install a2wsgi", "from main import app", "application = ASGIMiddleware(app)", "standpipe serve wsgi.py"}},
		"a server at import":          {map[string]string{"app.py": flask + "app.run()\n"}, nil, "app.py:4", []string{"put line 4", `if __name__ == "__main__":`, "standpipe serve"}},
		"a dependency":                {map[string]string{"app.py": flask + "import stripe\n"}, nil, "app.py:4", []string{"-m pip install stripe"}},
		"a listed dependency":         {map[string]string{"app.py": "import yaml, nothing\n", "requirements.txt": "nothing==1\n"}, nil, "app.py:1", []string{"install"}},
		"a module":                    {map[string]string{"shop.py": flask}, []string{"shp:app"}, "shp", []string{"standpipe serve shop:app"}},
		"a module in a file":          {map[string]string{"shop.py": flask, "standpipe.toml": "[[app]]\nname = \"shop\"\nmodule = \"shp:app\"\n"}, nil, "shp", []string{`standpipe.toml:3`, `module = "shop:app"`}},
		"a name":                      {map[string]string{"shop.py": flask}, []string{"shop:application"}, "shop.py:3", []string{"standpipe serve shop:app"}},
		"settings":                    {map[string]string{"wsgi.py": djangoOnly, "shop/settings.py": "SECRET_KEY = 'x'\n"}, nil, "wsgi.py:3", []string{"standpipe serve -e DJANGO_SETTINGS_MODULE=shop.settings"}},
		"settings, named in the file": {map[string]string{"wsgi.py": djangoOnly, "shop/settings.py": "", "standpipe.toml": "[[app]]\nmodule = \"wsgi\"\n"}, nil, "wsgi.py:3", []string{"standpipe.toml:2", `env = { DJANGO_SETTINGS_MODULE = "shop.settings" }`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, workers := range []string{"1", "3"} {
				r := run(t, project(t, c.files), nil, append([]string{"serve", "--log-format", "text", "-b", "127.0.0.1:0", "-w", workers, "--python", python(t)}, c.args...)...)
				text := said(r.errout)
				_, fix, has := strings.Cut(text, "\n  fix  ")
				if r.code != 3 || !has || !holds(text, c.place) || !holds(fix, c.fix...) || strings.Contains(text, "[ERROR]") || strings.Contains(text, "[WARN]") || strings.Contains(text, "worker_exit") || !strings.HasPrefix(text, "standpipe: ") || strings.Count(text, "\n") > 11 {
					t.Errorf("exit %d\n%s", r.code, r.errout)
				}
			}
		})
	}
}

// The command that a failed start names repairs it.
func TestTheNamedFixWorks(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"wsgi.py": "from django.core.wsgi import get_wsgi_application\n\napplication = get_wsgi_application()\n", "shop/__init__.py": "", "shop/settings.py": "SECRET_KEY = 'x'\n"})
	line := regexp.MustCompile(`(?m)^  fix  standpipe serve (.+)$`)
	r := run(t, dir, nil, "serve", "--log-format", "text", "-b", "127.0.0.1:0", "--python", python(t))
	m := line.FindStringSubmatch(r.errout)
	if m == nil {
		t.Fatal(r.errout)
	}
	if r := run(t, dir, nil, append([]string{"check", "--load", "--python", python(t)}, strings.Fields(m[1])...)...); r.code != 0 {
		t.Errorf("%+v", r)
	}
}

// So does the file that it has people write for a FastAPI app.
func TestTheNamedFileServesFastAPI(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"main.py": "from fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get(\"/\")\ndef index():\n    return {\"answer\": 42}\n"})
	r := run(t, dir, nil, "serve", "--log-format", "text", "-b", "127.0.0.1:0", "--python", python(t))
	_, fix, _ := strings.Cut(r.errout, "write wsgi.py:\n")
	code, _, found := strings.Cut(fix, "standpipe serve wsgi.py")
	if !found {
		t.Fatal(r.errout)
	}
	var lines []string
	for line := range strings.Lines(code) {
		lines = append(lines, strings.TrimSpace(line))
	}
	write(t, dir, map[string]string{"wsgi.py": strings.Join(lines, "\n")})
	s := start(t, opts{App: "wsgi.py", Dir: dir, Python: python(t), Args: []string{"-w", "1"}})
	if r := s.want(200, "/"); r.Body != `{"answer":42}` {
		t.Errorf("%q", r.Body)
	}
}

// A folder without an app: what was looked for, and three ways to go on, for what the folder has.
func TestNoAppHasThreeWaysOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		fix   []string
	}{
		"nothing":          {nil, []string{"standpipe serve shop.wsgi:application", "standpipe serve --dir", "standpipe help tutorial"}},
		"another name":     {map[string]string{"hello.py": steadyGate}, []string{"standpipe serve hello.py", "standpipe serve --dir", "standpipe help tutorial"}},
		"a Django project": {map[string]string{"site/manage.py": ""}, []string{"standpipe serve --dir site", "standpipe serve shop.wsgi:application", "standpipe help tutorial"}},
	} {
		r := run(t, project(t, c.files), nil, "serve")
		_, fix, _ := strings.Cut(r.errout, "\n  fix  ")
		if r.code != 2 || !holds(r.errout, "looked for", "wsgi.py", "manage.py", "standpipe.toml") || !holds(fix, c.fix...) || strings.Index(fix, c.fix[0]) > strings.Index(fix, c.fix[1]) || strings.Count(fix, "\n") != 3 {
			t.Errorf("%s: exit %d\n%s", name, r.code, r.errout)
		}
	}
}

// When one app of several fails, a person reads why once, then the lines of the start; its later attempts are counted.
func TestOneAppOfSeveralFails(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"good/app.py": steadyGate, "bad/app.py": "import nothing_of_this_name\n"})
	s := start(t, opts{Dir: dir, Bare: true, NoWait: true, Args: []string{"-b", "127.0.0.1:0", "--log-format", "text",
		"--app", "name=good,dir=good,mount=/good,workers=1", "--app", "name=bad,dir=bad,mount=/bad,workers=2"}})
	s.waitBanner("health")
	text := s.stderrText()
	before, banner, _ := strings.Cut(said(text), "\nstandpipe 0")
	if !strings.HasPrefix(before, `standpipe: app "bad" did not start`) || !holds(before, "app.py:1", "\n  fix  ") || strings.Contains(before, "app_failed") || !holds(banner, "bad", "did not start", "good") {
		t.Errorf("%s", text)
	}
	eventually(t, "the next attempt", func() bool { return strings.Contains(s.stderrText(), "app_failed:") })
	if strings.Contains(s.stderrText(), "Traceback") {
		t.Errorf("%s", s.stderrText())
	}
}
