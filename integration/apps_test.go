package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// foundPythons are the Pythons of this machine: path and version, oldest first.
func foundPythons(t testing.TB) [][2]string {
	t.Helper()
	out, err := exec.Command("./interpreters.sh").Output()
	if err != nil {
		t.Fatal(err)
	}
	var list [][2]string
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		if path, version, ok := strings.Cut(line, " "); ok {
			list = append(list, [2]string{path, version})
		}
	}
	if len(list) == 0 {
		t.Fatal("interpreters.sh finds no Python")
	}
	return list
}

// Several apps, each with its own interpreter, mount and hosts, share one port.
func TestSeveralApps(t *testing.T) {
	t.Parallel()
	pythons := foundPythons(t)
	first, last := pythons[0], pythons[len(pythons)-1]
	root := project(t, map[string]string{"wsgi.py": hello("root")})
	wild := project(t, map[string]string{"wsgi.py": hello("wild")})
	host := project(t, map[string]string{"wsgi.py": hello("host")})
	s := start(t, opts{Args: []string{
		"--app", "name=root,module=wsgi:app,mount=/,workers=1,dir=" + root,
		"--app", "name=old,module=app:app,mount=/old,workers=1,dir=" + appDir(t, "lifecycle") + ",python=" + first[0],
		"--app", "name=new,module=app:app,mount=/old/new,workers=1,dir=" + appDir(t, "lifecycle") + ",python=" + last[0],
		"--app", "name=wild,module=wsgi:app,mount=/,workers=1,hosts=*.example.org,dir=" + wild,
		"--app", `name=host,module=wsgi:app,mount=/,workers=1,hosts="shop.example.org,shop.example.com",dir=` + host,
	}})
	version := func(v string) string { return strings.TrimSuffix(v[strings.LastIndexByte(v, '-')+1:], "t") }
	if r := s.want(200, "/old/python"); !strings.HasSuffix(r.Body, " "+version(first[1])) && len(pythons) > 1 && !strings.Contains(first[1], "pypy") {
		t.Errorf("/old runs %q, want %s", r.Body, first[1])
	}
	if r := s.want(200, "/old/new/python"); !strings.HasSuffix(r.Body, " "+version(last[1])) && !strings.Contains(last[1], "pypy") {
		t.Errorf("/old/new runs %q, want %s", r.Body, last[1])
	}
	if len(pythons) == 1 {
		t.Logf("only one interpreter here: %v", pythons)
	}
	for _, c := range []struct{ host, path, want string }{
		{"localhost", "/", "root"}, {"localhost", "/older", "root"}, {"localhost", "/ol", "root"},
		{"example.org", "/", "root"}, {"a.example.org", "/", "wild"}, {"a.b.example.org:8080", "/", "wild"},
		{"shop.example.org", "/", "host"}, {"SHOP.example.org:80", "/x", "host"}, {"shop.example.com", "/", "host"}, {"shop.example.com.", "/", "host"},
	} {
		if r := s.get(c.path, "Host: "+c.host); r.Status != 200 || r.Body != c.want {
			t.Errorf("%s%s: %d %q, want %q", c.host, c.path, r.Status, r.Body, c.want)
		}
	}
	s.waitAccess(`app=wild `)
}

// A path that no app takes: 404, and the log says which.
func TestNoApp(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"wsgi.py": hello("shop")})
	s := start(t, opts{Args: []string{"--app", "name=shop,module=wsgi:app,mount=/shop,workers=1,hosts=shop.example.org,dir=" + dir}})
	s.want(200, "/shop", "Host: shop.example.org")
	s.want(404, "/shop", "Host: other.example.org")
	s.want(404, "/elsewhere", "Host: shop.example.org")
	s.waitEvent("no_route")
}

// Environment, files of it, folders on sys.path.
func TestAppEnvironment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"shop.env":  "# comment\nFROM_FILE=file\nBOTH=file\nQUOTED=\"a b # c\"\nexport EXPORTED='x'\n",
		"more.env":  "FROM_FILE2=two\n",
		"lib/x.txt": "",
	})
	lib := filepath.Join(dir, "lib")
	s := lifecycle(t, 1, opts{
		Args: []string{"-e", "HOSTS=a,b", "-e", "BOTH=flag", "-e", "EMPTY=", "--env-file", filepath.Join(dir, "shop.env"), "--env-file", filepath.Join(dir, "more.env"), "--pythonpath", lib},
		Env:  []string{"INHERITED=yes"},
	})
	for name, want := range map[string]string{
		"HOSTS": "a,b", "BOTH": "flag", "EMPTY": "", "FROM_FILE": "file", "FROM_FILE2": "two", "QUOTED": "a b # c", "EXPORTED": "x",
		"INHERITED": "yes", "STANDPIPE_WORKER": "0", "STANDPIPE_GENERATION": "1", "STANDPIPE_NONCE": "-", "STANDPIPE_SHIM_HASH": "-",
	} {
		if r := s.want(200, "/env?name="+name); r.Body != want {
			t.Errorf("%s is %q, want %q", name, r.Body, want)
		}
	}
	path := strings.Split(s.want(200, "/path").Body, "\n")
	if len(path) < 2 || path[0] != appDir(t, "lifecycle") || path[1] != lib {
		t.Errorf("sys.path is %q", path)
	}
	for _, p := range path {
		if strings.Contains(p, "standpipe_shim") {
			t.Errorf("the shim's folder is on the app's sys.path: %q", p)
		}
	}
}

// `standpipe serve` in a project's folder, without a word about it.
func TestDiscovery(t *testing.T) {
	t.Parallel()
	flask := "from flask import Flask\nshop = Flask(__name__)\n\n\n@shop.get('/')\ndef page():\n    import sys\n    return 'flask in ' + sys.prefix\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		env   []string
		venv  bool   // put the test venv at .venv
		want  string // what / answers with
		how   string // what the ready record says
	}{
		{name: "wsgi.py", files: map[string]string{"wsgi.py": hello("w"), "app.py": hello("a")}, want: "w", how: "wsgi.py"},
		{name: "app.py", files: map[string]string{"app.py": hello("a"), "main.py": hello("m")}, want: "a", how: "app.py"},
		{name: "main.py", files: map[string]string{"main.py": hello("m")}, want: "m", how: "main.py"},
		{name: "package", files: map[string]string{"shop/__init__.py": hello("p")}, want: "p", how: "shop"},
		{name: "src layout", files: map[string]string{"src/shop/__init__.py": "from .core import app\n", "src/shop/core.py": hello("s")}, want: "s", how: "src"},
		{name: "FLASK_APP", files: map[string]string{"wsgi.py": hello("w"), "other.py": hello("f")}, env: []string{"FLASK_APP=other"}, want: "f", how: "FLASK_APP"},
		{name: "Flask with .venv", files: map[string]string{"app.py": flask}, venv: true, want: "flask in ", how: "app.py"},
		{name: "factory", files: map[string]string{"wsgi.py": "def create_app():\n" + indent(hello("made")) + "    return app\n"}, want: "made", how: "wsgi.py"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := project(t, c.files)
			if c.venv {
				// <venv>/bin/python; a venv is found by its folder, so a link to it is one.
				if err := os.Symlink(filepath.Dir(filepath.Dir(python(t))), filepath.Join(dir, ".venv")); err != nil {
					t.Fatal(err)
				}
			}
			s := start(t, opts{Dir: dir, Args: []string{"-w", "1"}, Env: c.env})
			if r := s.want(200, "/"); !strings.HasPrefix(r.Body, c.want) {
				t.Errorf("answers %q, want %q", r.Body, c.want)
			}
			ready := s.waitEvent("app_ready")
			if !strings.Contains(ready.str("how"), c.how) {
				t.Errorf("how it was found: %q, want %q in it; %v", ready.str("how"), c.how, ready)
			}
			if exe := ready.str("executable"); c.venv && !strings.Contains(exe, "/.venv/bin/") && exe != python(t) { // the link is resolved
				t.Errorf("executable %q", ready.str("executable"))
			}
		})
	}
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n    ") + "\n"
}

// Nothing there that could be an app: exit 2, and the sentence says where it looked.
func TestDiscoveryFindsNothing(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"README.txt": "nothing"})
	r := run(t, dir, nil, "serve", "-b", "127.0.0.1:0")
	if r.code != 2 || !strings.Contains(r.errout, "wsgi.py") || !strings.Contains(r.errout, dir) {
		t.Errorf("exit code %d\n%s", r.code, r.errout)
	}
}

// The ways to say APP.
func TestAppSpellings(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{
		"shop/__init__.py": "",
		"shop/wsgi.py":     strings.Replace(hello("module"), "def app", "def application", 1),
		"factory.py":       "def create_app(name='default'):\n    def app(environ, start_response):\n        start_response('200 OK', [('Content-Type', 'text/plain')])\n        return [name.encode()]\n    return app\n",
		"site.wsgi":        strings.Replace(hello("mod_wsgi"), "def app", "def application", 1),
		"obj.py":           "class Site:\n    def wsgi(self, environ, start_response):\n        start_response('200 OK', [('Content-Type', 'text/plain')])\n        return [b'dotted']\n\n\nsite = Site()\n",
	})
	for spec, want := range map[string]string{
		"shop.wsgi:application": "module", "shop.wsgi": "module", "shop/wsgi.py": "module", "shop/wsgi.py:application": "module",
		"factory:create_app": "default", "factory:create_app()": "default", `factory:create_app("prod")`: "prod", `factory:create_app(name="x")`: "x",
		"site.wsgi": "mod_wsgi", "obj:site.wsgi": "dotted",
	} {
		t.Run(spec, func(t *testing.T) {
			s := start(t, opts{App: spec, Dir: dir, Args: []string{"-w", "1"}})
			if r := s.want(200, "/"); r.Body != want {
				t.Errorf("answers %q, want %q", r.Body, want)
			}
		})
	}
}
