package integration

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A body that max_body does not allow leaves one record, not one for each request; the app's own 413 leaves none.
func TestFault_A8_A413HasARecord(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": `def app(environ, start_response):
    status = "413 Own" if environ["PATH_INFO"] == "/own" else "200 OK"
    environ["wsgi.input"].read()
    start_response(status, [("Content-Length", "0")])
    return []
`})
	s := start(t, opts{App: "app:app", Dir: dir, Args: []string{"-w", "1", "--max-body", "10"}})
	s.want(413, "/own")
	if n := len(s.events("body_too_large")); n != 0 {
		t.Errorf("%d records of the app's own 413", n)
	}
	for range 5 {
		for _, declared := range []bool{true, false} {
			req := s.request("POST", "/", strings.NewReader(strings.Repeat("x", 20)))
			if !declared {
				req.ContentLength = -1
			}
			if r, err := s.try(req); err == nil && r.Status != http.StatusRequestEntityTooLarge {
				t.Errorf("status %d", r.Status)
			}
		}
	}
	r := s.waitEvent("body_too_large")
	if r.str("limit") != "10" || !r.names("--max-body") {
		t.Errorf("%v", r)
	}
	if n := len(s.events("body_too_large")); n > 2 { // one by what was declared, one by what came
		t.Errorf("%d records", n)
	}
}

// Django's refusal of a host is in the log, once for each host, whatever the number of workers.
func TestFault_A8_ARefusedHostIsTold(t *testing.T) {
	t.Parallel()
	for _, more := range [][]string{nil, {"--preload"}} {
		dir := project(t, nil)
		startProject(t, "mysite", dir)
		write(t, dir, map[string]string{"prod.py": "from mysite.settings import *\nDEBUG = False\nALLOWED_HOSTS = [\"good.example\"]\n"})
		s := start(t, opts{App: "mysite.wsgi", Dir: dir, Python: python(t), Args: append([]string{"-w", "2", "-e", "DJANGO_SETTINGS_MODULE=prod"}, more...)})
		for i := range 8 {
			req := s.request("GET", "/", nil)
			req.Host = fmt.Sprintf("bad%d.example", i%2)
			if r, err := s.try(req); err != nil || r.Status != 400 {
				t.Fatal(r, err)
			}
		}
		for i := range 2 {
			host := fmt.Sprintf("bad%d.example", i)
			s.waitLog(func(r record) bool {
				return r.event() == "host_refused" && r.str("host") == host && r.names("ALLOWED_HOSTS")
			}, host)
		}
		if n := len(s.events("host_refused")); n != 2 {
			t.Errorf("%d records", n)
		}
	}
}

// Django's refusal of a form from an origin that it does not trust, as behind a proxy that ends TLS, is in the log too.
func TestFault_A8_ARefusedOriginIsTold(t *testing.T) {
	t.Parallel()
	dir := project(t, nil)
	startProject(t, "mysite", dir)
	write(t, dir, map[string]string{"prod.py": "from mysite.settings import *\nDEBUG = False\nALLOWED_HOSTS = [\"*\"]\n"})
	s := start(t, opts{App: "mysite.wsgi", Dir: dir, Python: python(t), Args: []string{"-w", "2", "-e", "DJANGO_SETTINGS_MODULE=prod"}})
	for range 4 {
		req := s.request("POST", "/admin/login/", strings.NewReader("username=x"))
		req.Header.Set("Origin", "https://shop.example")
		if r, err := s.try(req); err != nil || r.Status != 403 {
			t.Fatal(r, err)
		}
	}
	s.waitLog(func(r record) bool { return r.event() == "origin_refused" && r.str("origin") == "https://shop.example" }, "the origin")
	if n := len(s.events("origin_refused")); n != 1 {
		t.Errorf("%d records", n)
	}
}

// Socket.IO behind several workers, and threads that are greenlets, are told at the start with what to write.
func TestFault_A8_WhatAnAppNeedsIsTold(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{
		"engineio/__init__.py":       "class WSGIApp:\n    def __init__(self, server, app):\n        self.wsgi_app = app\n    def __call__(self, environ, start_response):\n        return self.wsgi_app(environ, start_response)\n",
		"flask_socketio/__init__.py": "import engineio\nclass _Middleware(engineio.WSGIApp):\n    pass\n",
		"chat.py":                    "import flask_socketio\nfrom flask import Flask\napp = Flask(__name__)\napp.wsgi_app = flask_socketio._Middleware(None, app.wsgi_app)\n",
		"green.py":                   "from gevent import monkey\nmonkey.patch_all()\n" + hello("x"),
	})
	for _, c := range []struct {
		args  []string
		event string
		n     int
	}{
		{[]string{"chat:app", "-w", "2"}, "one_worker_needed", 1},
		{[]string{"chat:app", "-w", "1"}, "one_worker_needed", 0},
		{[]string{"green:app", "-w", "2", "--threads", "4"}, "patched_threads", 1},
		{[]string{"green:app", "-w", "1"}, "patched_threads", 0},
		{[]string{"green:app", "-w", "1", "--gevent", "10"}, "patched_threads", 0},
	} {
		s := start(t, opts{App: c.args[0], Dir: dir, Python: python(t), Args: c.args[1:], NoWait: true})
		s.waitEvent("app_ready")
		if c.n > 0 {
			s.waitEvent(c.event)
		}
		if s.stop(); len(s.events(c.event)) != c.n {
			t.Errorf("%q: %d records of %s", c.args, len(s.events(c.event)), c.event)
		}
	}
}

// What the pages import from standpipe works with the package of the wheel where the server is not: in tests, manage.py, task queues.
func TestFault_A6_TheDocumentedImportWorksOutside(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(filepath.Join(repoDir(), "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, page := range append(pages, filepath.Join(repoDir(), "README.md")) {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(string(b), "```python\n")[1:] {
			code, _, _ := strings.Cut(block, "```")
			if !strings.Contains(code, "from standpipe import") {
				continue
			}
			seen++
			code = "def open_database():\n    return 'open'\n\n\n" + code
			cmd := exec.Command(python(t), "-c", code)
			cmd.Env = append(cleanEnv(t), "PYTHONPATH="+filepath.Join(repoDir(), "packaging", "python"), "PYTHONDONTWRITEBYTECODE=1")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", filepath.Base(page), err, out)
			}
			// Without the package: in a worker it does what it says.
			dir := project(t, map[string]string{"app.py": code + `

def app(environ, start_response):
    start_response("200 OK", [])
    return [globals().get("db", "closed").encode()]
`})
			want := "closed"
			if strings.Contains(code, "db = ") {
				want = "open"
			}
			s := start(t, opts{App: "app:app", Dir: dir, Python: python(t), Args: []string{"-w", "1"}})
			if r := s.want(200, "/"); r.Body != want {
				t.Errorf("%s: in a worker: %q", filepath.Base(page), r.Body)
			}
		}
	}
	if seen == 0 {
		t.Error("no page shows it")
	}
}
