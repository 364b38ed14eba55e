package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// bootFailure is a project that does not start, and what is said about it.
type bootFailure struct {
	name  string
	files map[string]string
	app   string
	args  []string
	env   []string
	says  []string // all of these, in the sentence or beside it
	venv  bool     // with the test venv's interpreter
	code  int      // 0: 3
}

var bootFailures = []bootFailure{
	{name: "no module", files: map[string]string{"wsgi.py": hello("x")}, app: "nosuch:app", says: []string{"nosuch", "{dir}"}},
	{name: "no attribute", files: map[string]string{"wsgi.py": hello("x")}, app: "wsgi:ap", says: []string{"wsgi", `ap`, "app"}},
	{name: "not callable", files: map[string]string{"wsgi.py": "app = 42\n"}, app: "wsgi:app", says: []string{"app", "int", "called"}},
	{
		name:  "missing package",
		files: map[string]string{"shop/__init__.py": "", "shop/wsgi.py": "import os\n\nimport flask_nosuch\n"},
		app:   "shop.wsgi:app", says: []string{"shop/wsgi.py:3", "flask_nosuch"},
	},
	{
		name:  "error in the import",
		files: map[string]string{"wsgi.py": "import shopdb\n", "shopdb.py": "\n\nraise ValueError('no database URL')\n"},
		app:   "wsgi:app", says: []string{"shopdb.py:3", "ValueError", "no database URL"},
	},
	{
		name:  "syntax error",
		files: map[string]string{"wsgi.py": "import models\n", "models.py": "a = 1\nb = (2,\n"},
		app:   "wsgi:app", says: []string{"models.py:2", "SyntaxError"},
	},
	{
		name:  "asgi",
		files: map[string]string{"main.py": "async def app(scope, receive, send):\n    pass\n"},
		app:   "main:app", says: []string{"ASGI", "WSGI"},
	},
	{
		name:  "factory with arguments",
		files: map[string]string{"shop.py": "def create_app(config, debug):\n    return None\n"},
		app:   "shop:create_app", says: []string{"create_app", "config", "debug"},
	},
	{
		name:  "app.run at import",
		files: map[string]string{"app.py": "from flask import Flask\napp = Flask(__name__)\napp.run(port=0)\n"},
		app:   "app:app", says: []string{"app.py:3", "run"}, venv: true,
	},
	{
		name:  "Django without settings",
		files: map[string]string{"wsgi.py": "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"},
		app:   "wsgi", says: []string{"DJANGO_SETTINGS_MODULE"}, venv: true,
	},
	{
		name: "not a Python", files: map[string]string{"wsgi.py": hello("x"), "python": "#!/bin/sh\nexit 1\n"},
		app: "wsgi:app", args: []string{"--python", "./python"}, says: []string{"python"},
	},
	{
		name: "no python", files: map[string]string{"wsgi.py": hello("x")},
		app: "wsgi:app", args: []string{"--python", "/nonexistent/python3"}, says: []string{"/nonexistent/python3"}, code: 2,
	},
	{
		name: "exit in the import", files: map[string]string{"wsgi.py": "import os\nprint('last words', flush=True)\nos._exit(7)\n"},
		app: "wsgi:app", says: []string{"7", "last words"},
	},
}

// Only broken apps: one sentence that says what and where, exit 3.
func TestBootFailures(t *testing.T) {
	t.Parallel()
	for _, f := range bootFailures {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			dir := project(t, f.files)
			if text := f.files["python"]; text != "" {
				putProgram(t, filepath.Join(dir, "python"), []byte(text))
			}
			args := append([]string{"serve", f.app, "-b", "127.0.0.1:0", "-w", "2"}, f.args...)
			if f.venv {
				args = append(args, "--python", python(t))
			}
			want := f.code
			if want == 0 {
				want = 3
			}
			r := run(t, dir, f.env, append(args, "--log-format", "text")...)
			if r.code != want {
				t.Errorf("exit code %d, want %d", r.code, want)
			}
			for _, s := range f.says {
				s = strings.ReplaceAll(s, "{dir}", dir)
				if !strings.Contains(r.errout, s) {
					t.Errorf("not said: %q", s)
				}
			}
			if j := run(t, dir, f.env, append(args, "--log-format", "json")...); want == 3 && failedBoot(j) == nil {
				t.Errorf("no record of app_failed: %s", j.errout)
			}
			if t.Failed() {
				t.Logf("stderr:\n%s\nstdout:\n%s", r.errout, r.out)
			}
		})
	}
}

// A broken app does not stop a healthy one; its own routes answer 503.
func TestBrokenAppBesideHealthyApp(t *testing.T) {
	t.Parallel()
	attempts := filepath.Join(t.TempDir(), "attempts")
	a := project(t, map[string]string{"wsgi.py": hello("healthy")})
	b := project(t, map[string]string{"wsgi.py": fmt.Sprintf("open(%q, 'a').write('x')\nraise ValueError('always the same')\n", attempts)})
	s := start(t, opts{Args: []string{
		"--app", "name=a,module=wsgi:app,mount=/,workers=1,dir=" + a,
		"--app", "name=b,module=wsgi:app,mount=/b,workers=2,dir=" + b,
	}})
	if r := s.want(200, "/"); r.Body != "healthy" {
		t.Errorf("%q", r.Body)
	}
	if r := s.want(503, "/b/page"); strings.Contains(r.Body, "ValueError") {
		t.Errorf("the page shows internals: %q", r.Body)
	}
	r := s.waitLog(func(r record) bool { return r.event() == "app_failed" && r.str("app") == "b" }, "app_failed of b")
	if !holds(r.str("message"), "wsgi.py:2", "always the same") {
		t.Errorf("message %q", r.str("message"))
	}
	s.want(503, "/readyz/b")
	s.want(200, "/readyz/a")
	s.want(200, "/livez")

	// The seat is tried again and again; the same traceback is written once.
	eventually(t, "four attempts", func() bool {
		fi, err := os.Stat(attempts)
		return err == nil && fi.Size() >= 4
	})
	s.want(200, "/")
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	n := 0
	for _, r := range s.log() {
		if strings.Contains(fmt.Sprint(r), "Traceback") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d records with the traceback, want 1", n)
	}
}

// The app that was broken comes up when its cause is gone.
func TestBrokenAppRecovers(t *testing.T) {
	t.Parallel()
	mended := filepath.Join(t.TempDir(), "mended")
	a := project(t, map[string]string{"wsgi.py": hello("healthy")})
	b := project(t, map[string]string{"wsgi.py": fmt.Sprintf("import os\nif not os.path.exists(%q):\n    raise ValueError('not yet')\n%s", mended, hello("mended"))})
	s := start(t, opts{Args: []string{
		"--app", "name=a,module=wsgi:app,mount=/,workers=1,dir=" + a,
		"--app", "name=b,module=wsgi:app,mount=/b,workers=1,dir=" + b,
	}})
	s.want(503, "/b")
	if err := os.WriteFile(mended, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	within(t, bootPatience, "b answers", func() bool { return s.get("/b").Body == "mended" })
}

// A worker that dies in its boot after others had been ready does not bring standpipe down.
func TestStaysUpWhenAppBreaksLater(t *testing.T) {
	t.Parallel()
	flag := filepath.Join(t.TempDir(), "broken")
	dir := project(t, map[string]string{"wsgi.py": fmt.Sprintf(`import os

if os.path.exists(%q):
    raise ValueError("broken later")


def app(environ, start_response):
    if environ["PATH_INFO"] == "/die":
        os._exit(9)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"up"]
`, flag)})
	s := start(t, opts{Dir: dir, App: "wsgi:app", Args: []string{"-w", "1"}})
	s.want(200, "/")
	if err := os.WriteFile(flag, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s.want(502, "/die")
	s.waitEvent("app_failed")
	s.want(200, "/livez")
	s.want(503, "/")
	if err := os.Remove(flag); err != nil {
		t.Fatal(err)
	}
	within(t, bootPatience, "the app is back", func() bool { return s.get("/").Status == 200 })
}

// An import that hangs ends by --boot-timeout, and is waited for.
func TestBootTimeout(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"wsgi.py": "import time\ntime.sleep(1000)\n"})
	r := run(t, dir, nil, "serve", "wsgi:app", "-b", "127.0.0.1:0", "-w", "1", "--boot-timeout", "2s", "--log-format", "json")
	if r.code != 3 || failedBoot(r) == nil {
		t.Errorf("exit code %d\n%s", r.code, r.errout)
	}
}
