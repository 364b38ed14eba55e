package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
)

// devRounds is how many edits the tests of the development mode make; `make edits` makes more.
func devRounds() int {
	n, err := strconv.Atoi(os.Getenv("STANDPIPE_DEV_ROUNDS"))
	if err != nil {
		return 20
	}
	return n
}

const devFlask = `from flask import Flask
from shop.text import text

app = Flask(__name__)


@app.get("/")
def page():
    return text()
`

// devProject is a Flask or a Django project whose page says what shop/text.py says.
func devProject(t *testing.T, framework string) (dir, app string) {
	t.Helper()
	if framework == "flask" {
		return project(t, map[string]string{"app.py": devFlask, "shop/__init__.py": "", "shop/text.py": devText(0)}), "app:app"
	}
	dir = project(t, nil)
	startProject(t, "mysite", dir)
	write(t, dir, map[string]string{
		"shop/__init__.py": "", "shop/text.py": devText(0),
		"mysite/urls.py": "from django.http import HttpResponse\nfrom django.urls import path\nfrom shop.text import text\n\nurlpatterns = [path('', lambda request: HttpResponse(text()))]\n",
	})
	return dir, "mysite.wsgi:application"
}

func devText(round int) string { return fmt.Sprintf("def text():\n    return \"round %d\"\n", round) }

// startDev runs `standpipe dev` as start runs `standpipe serve`.
func startDev(t *testing.T, o opts) *server {
	t.Helper()
	o.Argv = []string{"{bin}", "dev"}
	return start(t, o)
}

// save writes a file as editors do: in place, by a file that takes its name, or by moving the old one away first.
func save(t *testing.T, path, text string, round int) {
	t.Helper()
	put := func(path string) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	move := func(from, to string) {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	switch round % 3 {
	case 0:
		put(path)
	case 1:
		put(path + ".new")
		move(path+".new", path)
	case 2:
		move(path, path+"~")
		put(path)
	}
}

// A request that follows an edit at once gets the new code, or its failure: never the old page, and no error of the server.
func TestDevHold(t *testing.T) {
	t.Parallel()
	for _, framework := range []string{"flask", "django"} {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			dir, app := devProject(t, framework)
			s := startDev(t, opts{App: app, Dir: dir, Python: python(t)})
			file := filepath.Join(dir, "shop", "text.py")
			stale, failed, hidden := 0, 0, 0
			var worst time.Duration
			for round := 1; round <= devRounds(); round++ {
				broken := round%8 == 0
				text := devText(round)
				if broken {
					text = "def text(:\n"
				}
				save(t, file, text, round)
				time.Sleep([]time.Duration{0, 2, 5, 0, 20, 0, 11}[round%7] * time.Millisecond) // a person switches to the browser
				begin := time.Now()
				r, err := s.try(s.request("GET", "/", nil))
				for err == nil && strings.Contains(r.Body, "has been starting for") && time.Since(begin) < bootPatience { // a request waits for 30 s
					r, err = s.try(s.request("GET", "/", nil))
				}
				worst = max(worst, time.Since(begin))
				switch {
				case err != nil:
					t.Errorf("round %d: %v", round, err)
				case broken && r.Status == 200:
					hidden++
				case broken && framework == "flask" && !(r.Status == 503 && strings.Contains(r.Body, "text.py")), broken && r.Status < 500: // Django imports it with the first request
					t.Errorf("round %d: broken code: %d %.300q", round, r.Status, r.Body)
				case broken:
				case r.Status != 200:
					failed++
					t.Logf("round %d: %d %.300q", round, r.Status, r.Body)
				case r.Body != fmt.Sprintf("round %d", round):
					stale++
				}
			}
			t.Logf("%d rounds: %d stale answers, %d errors, %d times the old page for broken code; the slowest answer took %v", devRounds(), stale, failed, hidden, worst.Round(time.Millisecond))
			if stale+failed+hidden > 0 {
				t.Errorf("%d stale answers, %d errors, %d times the old page for broken code", stale, failed, hidden)
			}
		})
	}
}

// The same edits are answered by the old code where requests do not wait: the test above can fail.
func TestDevHoldBites(t *testing.T) {
	t.Parallel()
	dir, app := devProject(t, "flask")
	s := start(t, opts{App: app, Dir: dir, Python: python(t), Args: []string{"--reload", "-w", "2"}})
	g := newGate(t)
	save(t, filepath.Join(dir, "shop", "text.py"), fmt.Sprintf("import os, time\nwhile not os.path.exists(%q): time.sleep(0.01)\n", g.path)+devText(1), 1)
	if r := s.want(200, "/"); r.Body != "round 0" {
		t.Errorf("%q at once, without the development mode", r.Body)
	}
	g.open(t)
	eventually(t, "the new code", func() bool { return s.want(200, "/").Body == "round 1" })
}

// What a request waits for in development, and what it does not wait for.
func TestDevReload(t *testing.T) {
	t.Parallel()
	gate := newGate(t)
	app := `import os, time
from flask import Flask, render_template, Response

app = Flask(__name__)


@app.get("/")
def page():
    return render_template("page.html", name=NAME, env=os.environ.get("SHOP", "-"))


@app.get("/stream")
def stream():
    def parts():
        open(GATE + ".begun", "w").close()
        yield "begin"
        while not os.path.exists(GATE):
            time.sleep(0.01)
        yield "end " + NAME
    return Response(parts())


GATE = %q
NAME = "%s"
`
	dir := project(t, map[string]string{
		"shop/app.py": fmt.Sprintf(app, gate.path, "one"), "shop/templates/page.html": "{{ name }} {{ env }} first", "shop/static/a.css": "a", "shop/env": "SHOP=x\n",
		"blog/blog.py":   hello("blog"),
		"standpipe.toml": "[[app]]\nname = \"shop\"\ndir = \"shop\"\nmodule = \"app:app\"\nenv_file = [\"env\"]\ndrain_timeout = \"10m\"\n[[app]]\nname = \"blog\"\ndir = \"blog\"\nmodule = \"blog:app\"\nmount = \"/blog\"\n",
	})
	s := startDev(t, opts{Dir: dir, Python: python(t), Apps: 2})
	serves := func(want string) {
		t.Helper()
		if r := s.want(200, "/"); r.Body != want {
			t.Errorf("%q, want %q", r.Body, want)
		}
	}
	serves("one x first")

	// A template, the variables, the configuration. A stream in the old worker does not hold them up.
	stream := make(chan *response, 1)
	go func() { stream <- s.get("/stream") }()
	eventually(t, "the stream runs", func() bool { _, err := os.Stat(gate.path + ".begun"); return err == nil })
	write(t, dir, map[string]string{"shop/templates/page.html": "{{ name }} {{ env }} second"})
	serves("one x second")
	write(t, dir, map[string]string{"shop/env": "SHOP=y\n"})
	serves("one y second")
	n := len(s.events("reload"))
	write(t, dir, map[string]string{"shop/.env": "read by the app\n"}) // it did not exist
	s.want(200, "/")
	eventually(t, "a reload for .env", func() bool { return len(s.events("reload")) > n })
	b, err := os.ReadFile(filepath.Join(dir, "standpipe.toml"))
	if err != nil {
		t.Fatal(err)
	}
	good := strings.Replace(string(b), "env_file = [\"env\"]", "env = { SHOP = \"z\" }", 1)
	write(t, dir, map[string]string{"standpipe.toml": good})
	serves("one z second")
	gate.open(t)
	if r := <-stream; r.Body != "beginend one" {
		t.Errorf("the stream: %q", r.Body)
	}

	// A problem in the configuration is the answer, too.
	write(t, dir, map[string]string{"standpipe.toml": good + "\nnonsense = 1\n"})
	if r := s.want(503, "/"); !strings.Contains(r.Body, "nonsense") {
		t.Errorf("%q", r.Body)
	}
	write(t, dir, map[string]string{"standpipe.toml": good})
	serves("one z second")

	// A boot that hangs: its requests wait, files and other apps do not, and the next change ends it.
	write(t, dir, map[string]string{"shop/app.py": fmt.Sprintf(app, gate.path, "two") + "time.sleep(1000)\n"})
	waiting := make(chan *response, 1)
	go func() { waiting <- s.get("/") }()
	eventually(t, "the boot hangs", func() bool { return len(s.events("boot_waits")) > 0 })
	s.want(200, "/static/a.css")
	if r := s.want(200, "/blog"); r.Body != "blog" {
		t.Errorf("%q", r.Body)
	}
	write(t, dir, map[string]string{"blog/blog.py": hello("blog two")})
	if r := s.want(200, "/blog"); r.Body != "blog two" {
		t.Errorf("%q while another app boots", r.Body)
	}
	write(t, dir, map[string]string{"shop/app.py": fmt.Sprintf(app, gate.path, "three")})
	serves("three z second")
	if r := <-waiting; r.Body != "three z second" {
		t.Errorf("%d %q", r.Status, r.Body)
	}

	// A file that no worker has imported, and a new one, are not a reason to reload.
	n = len(s.events("reload"))
	write(t, dir, map[string]string{"shop/unused.py": "x = 1\n"})
	serves("three z second")
	if now := len(s.events("reload")); now != n {
		t.Errorf("%d reloads", now-n)
	}
}

// A project that is broken from its start: the failure at once, and the app with the request after the fix.
func TestDevBrokenStart(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": "import views\nfrom views import app\n", "views.py": "def app(:\n"})
	s := startDev(t, opts{App: "app:app", Dir: dir, Python: systemPython(t)})
	s.waitEvent("not_booted")
	if r := s.want(503, "/"); !strings.Contains(r.Body, "views.py") {
		t.Errorf("%q", r.Body)
	}
	for round := range 3 {
		write(t, dir, map[string]string{"views.py": hello(fmt.Sprint("repaired ", round))})
		if r := s.want(200, "/"); r.Body != fmt.Sprint("repaired ", round) {
			t.Errorf("%q", r.Body)
		}
		write(t, dir, map[string]string{"views.py": "raise ValueError('no " + fmt.Sprint(round) + "')\n"})
		if r := s.want(503, "/"); !strings.Contains(r.Body, "no "+fmt.Sprint(round)) {
			t.Errorf("%q", r.Body)
		}
	}
	if r := s.waitEvent("reload_failed"); r["serving"] != nil || strings.Contains(r.str("message"), "keeps serving") {
		t.Errorf("requests get the failure: %v", r)
	}
}

// At a terminal a request has one short line, files are faint, and a traceback begins with the app's frames. NO_COLOR holds.
func TestDevAtATerminal(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("script"); err != nil {
		skip(t, "no-program", "script")
	}
	dir := project(t, map[string]string{"app.py": `import json, os
from flask import Flask

if os.path.exists("away"):
    raise RuntimeError("the database is away")

app = Flask(__name__)


@app.get("/")
def page():
    return str(os.getpid())


@app.get("/boom")
def boom():
    return json.loads("{")
`, "static/a.css": "a"})
	for _, colors := range []bool{true, false} {
		env := []string{"TERM=xterm"}
		if !colors {
			env = append(env, "NO_COLOR=1")
		}
		s := start(t, opts{Dir: dir, Env: env, Bare: true, NoWait: true, Exit: -1,
			Argv: []string{"script", "-qefc", "stty cols 80; {bin} dev -b 127.0.0.1:0 --python " + python(t), "/dev/null"}})
		address := regexp.MustCompile(`http://(127\.0\.0\.1:\d+)`)
		screen := func() string { return strings.Join(s.out.all(), "\n") }
		eventually(t, "the banner", func() bool {
			if m := address.FindStringSubmatch(screen()); m != nil {
				s.URL, s.Addr = m[0], m[1]
			}
			return s.Addr != ""
		})
		s.want(200, "/")
		s.want(200, "/static/a.css")
		s.want(500, "/boom")
		s.want(404, "/\x25e6\x2597\x25a5"+strings.Repeat("x", 200))
		faint := ""
		if colors {
			faint = "\x1b[2m"
		}
		eventually(t, "the lines", func() bool {
			text := screen()
			return regexp.MustCompile(`\n`+regexp.QuoteMeta(faint)+`\d\d:\d\d:\d\d 200 GET /static/a\.css [\d.]+ m?s static`).MatchString(text) && strings.Contains(text, "JSONDecodeError") && strings.Contains(text, "…")
		})
		text := screen()
		if own, library := strings.Index(text, "app.py\", line 17"), strings.Index(text, "site-packages/flask"); own < 0 || library < own {
			t.Errorf("the app's frames are not first:\n%s", text)
		}
		if got := strings.Contains(text, "\x1b["); got != colors {
			t.Errorf("colours: %v, want %v:\n%q", got, colors, text)
		}
		line := regexp.MustCompile(`\d\d:\d\d:\d\d .{0,10}404.* GET .*`).FindString(text)
		if line = regexp.MustCompile(`\x1b\[\d*m|\r`).ReplaceAllString(line, ""); utf8.RuneCountInString(line) > 80 {
			t.Errorf("%q is wider than the terminal", line)
		}
		// Changed code that does not start is told as at the start: the place and the command to run, without a record.
		path := filepath.Join(dir, "app.py")
		code, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, map[string]string{"app.py": string(code) + "import nosuchpackage\n"})
		s.want(503, "/")
		eventually(t, "why the code does not start", func() bool { return strings.Contains(screen(), "install nosuchpackage") })
		if text := screen(); !strings.Contains(text, "app.py:18") || strings.Contains(text, "reload_failed") || strings.Contains(text, "worker_exit") {
			t.Errorf("%s", text)
		}
		write(t, dir, map[string]string{"app.py": string(code)})
		move := func(from, to string) {
			t.Helper()
			if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
				t.Fatal(err)
			}
		}
		move("app.py", "gone.txt")
		s.want(503, "/")
		eventually(t, "there is no app", func() bool { return strings.Contains(screen(), "no app found in") })
		if text := screen(); strings.Contains(text, "reload_failed") {
			t.Errorf("%s", text)
		}
		move("gone.txt", "app.py")
		worker, err := strconv.Atoi(s.want(200, "/").Body)
		if err != nil {
			t.Fatal(err)
		}
		// So is a worker that does not start in the place of another one; the same is told once.
		write(t, dir, map[string]string{"away": ""})
		if err := syscall.Kill(worker, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "why the worker does not start", func() bool { return strings.Contains(screen(), "app.py:5: RuntimeError") })
		if text := screen(); strings.Contains(text, "app_failed") || strings.Contains(text, "sys_path") || strings.Contains(text, "-b 0.0.0.0") && !strings.Contains(text, "STANDPIPE_DEV_TOKEN") {
			t.Errorf("%s", text)
		}
		if err := os.Remove(filepath.Join(dir, "away")); err != nil {
			t.Fatal(err)
		}
		s.stop()
	}
}
