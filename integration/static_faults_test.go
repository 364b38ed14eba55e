package integration

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Names are immutable only where a manifest leaves no doubt that each of them holds a hash.
func TestFault_D4_ImmutableOnlyWhereProved(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"unhashed/.vite/manifest.json": `{"src/page-LoginForm.tsx": {"file": "assets/page-LoginForm.js", "name": "page-LoginForm", "css": ["assets/app-Release2024.css"], "isEntry": true},
			"src/theme-Release2024.scss": {"file": "assets/theme-Release2024.css"}, "_vendor-Bundle2024.js": {"file": "assets/vendor-Bundle2024.js", "name": "vendor-Bundle2024"}}`,
		"hashed/.vite/manifest.json": `{"src/page.tsx": {"file": "assets/page-BRBmoGS9.js", "name": "page", "css": ["assets/page-5UjPuW-k.css"]}, "_lib-B7PI925R.js": {"file": "assets/lib-B7PI925R.js", "name": "lib"}}`,
		"webpack/manifest.json":      `{"main.js": "/main.js", "page-LoginForm.js": "/page-LoginForm.js", "main.css": "/app-Release2024.css"}`,
		"cra/asset-manifest.json":    `{"files": {"main.js": "/static/js/main.7d4ef0cc.js", "index.html": "/index.html", "main.js.map": "/static/js/main.7d4ef0cc.js.map"}}`,
		"dated/manifest.json":        `{"src/a.ts": {"file": "a-20240131.js"}, "src/b.ts": {"file": "b-20240131.js", "css": ["b-20240131.css"]}}`,
		"released/manifest.json":     `{"a.js": "/a.Release2024.js", "b.js": "/b.Release2024.js"}`,
		"django/staticfiles.json":    `{"paths": {"a.css": "a.55e7cbb9ba48.css", "b.css": "b.css"}, "version": "1.1", "hash": "x"}`,
	}
	immutable := map[string]bool{
		"unhashed/assets/page-LoginForm.js": false, "unhashed/assets/app-Release2024.css": false, "unhashed/assets/theme-Release2024.css": false, "unhashed/assets/vendor-Bundle2024.js": false,
		"hashed/assets/page-BRBmoGS9.js": true, "hashed/assets/page-5UjPuW-k.css": true, "hashed/assets/lib-B7PI925R.js": true,
		"webpack/page-LoginForm.js": false, "webpack/app-Release2024.css": false,
		"cra/static/js/main.7d4ef0cc.js": true, "cra/static/js/main.7d4ef0cc.js.map": false,
		"dated/a-20240131.js": false, "dated/b-20240131.css": false, "released/a.Release2024.js": false,
		"django/a.55e7cbb9ba48.css": true, "django/b.css": false,
	}
	for name := range immutable {
		files[name] = "x"
	}
	dir := map[string]string{"app.py": plainApp}
	for name, text := range files {
		dir["files/"+name] = text
	}
	s := start(t, opts{Dir: project(t, dir), Args: []string{"-w", "1", "--static", "/f=files"}})
	for name, want := range immutable {
		if got := s.want(200, "/f/"+name).Header.Get("Cache-Control"); strings.Contains(got, "immutable") != want || !want && got != "no-cache" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// A text is called UTF-8 only where it is.
func TestFault_D6_CharsetOnlyWhereItIsTrue(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"utf8.html": "<p>привет", "ascii.css": "body{}", "cp1251.html": "\xef\xf0\xe8\xe2\xe5\xf2", "latin1.xml": "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><a>caf\xe9</a>",
		"said.html": "<!doctype html><meta charset=windows-1251><p>" + strings.Repeat("ascii ", 20000) + "\xef\xf0", "long.txt": strings.Repeat("я", 100_000), "latin1.js": "var a='caf\xe9'", "utf16.txt": "h\x00i\x00",
	}
	dir := map[string]string{"app.py": `import os
def app(environ, start_response):
    start_response("200 OK", [("X-Accel-Redirect", "/internal" + environ["PATH_INFO"])])
    return []
`}
	for name, text := range files {
		dir["files/"+name] = text
	}
	dir["standpipe.toml"] = `
[[app]]
name = "site"
workers = 1
[[app.static]]
url = "/f/"
dir = "files"
[[app.static]]
url = "/old/"
dir = "files"
charset = "windows-1251"
[[app.static]]
url = "/none/"
dir = "files"
charset = "none"
[[internal]]
url = "/internal/"
dir = "files"
`
	s := start(t, opts{Dir: project(t, dir)})
	for path, want := range map[string]string{
		"/f/utf8.html": "text/html; charset=utf-8", "/f/ascii.css": "text/css; charset=utf-8", "/f/cp1251.html": "text/html", "/f/latin1.xml": "text/xml", "/f/said.html": "text/html",
		"/f/long.txt": "text/plain; charset=utf-8", "/f/latin1.js": "text/javascript", "/f/utf16.txt": "text/plain",
		"/old/cp1251.html": "text/html; charset=windows-1251", "/none/utf8.html": "text/html",
		"/cp1251.html": "text/html", "/utf8.html": "text/html; charset=utf-8", // by X-Accel-Redirect
	} {
		if got := s.want(200, path).Header.Get("Content-Type"); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// A folder that cannot be served is named by check, by the start and by the log, whatever the reason is.
func TestFault_D7_FolderThatCannotBeServed(t *testing.T) {
	t.Parallel()
	needRoot(t)
	nobody := &syscall.Credential{Uid: 65534, Gid: 65534}
	base, err := os.MkdirTemp("/tmp", "standpipe-it-d7-") // where others can go
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	write(t, base, map[string]string{"app.py": plainApp, "closed/x.txt": "x", "unlisted/x.txt": "x", "open/x.txt": "x", "home/site/x.txt": "x", "lib/flask/__init__.py": fakeFlask,
		"flask_app.py": "import flask\napp = flask.Flask(__file__[:-len('flask_app.py')] + 'closed')\n"})
	for name, mode := range map[string]os.FileMode{"": 0o755, "closed": 0o700, "unlisted": 0o711, "open": 0o755, "home": 0o700, "home/site": 0o755} {
		if err := os.Chmod(filepath.Join(base, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	system := systemPython(t)
	args := []string{"-w", "1", "--static", "/closed=closed", "--static", "/unlisted=unlisted", "--static", "/open=open"}
	r, code := check(t, base, append([]string{"--python", system, "app:app", "--user", "nobody", "--group", "nogroup"}, args...)...)
	if code != 0 || len(r.Warnings) != 2 || !holds(strings.Join(r.Warnings, "\n"), base+"/closed", base+"/unlisted") {
		t.Errorf("check: %d %+v", code, r)
	}
	s := start(t, opts{Dir: base, App: "app:app", Python: system, Identity: nobody, Args: args})
	if r := s.get("/open/x.txt"); r.Status != 200 {
		t.Errorf("%d %.100s", r.Status, r.Body)
	}
	said := map[string]bool{}
	for _, r := range s.events("static_folder") {
		said[filepath.Base(r.str("dir"))] = true
	}
	if !said["closed"] || !said["unlisted"] || said["open"] {
		t.Errorf("%v", said)
	}
	s.stop()
	// The folder above it is closed, as home folders are: that one is named.
	s = start(t, opts{Dir: base, App: "app:app", Python: system, Args: []string{"-w", "1", "--user", "nobody", "--static", "/site=home/site"}})
	if r := s.waitEvent("static_folder"); r.str("dir") != filepath.Join(base, "home/site") || !r.names(filepath.Join(base, "home")+" ") {
		t.Errorf("%v", r)
	}
	s.stop()
	s = start(t, opts{Dir: base, App: "flask_app:app", Python: system, Identity: nobody, Args: append(args, "--pythonpath", "lib", "--log-format", "text"), NoWait: true})
	if lines := strings.Join(s.waitBanner("static"), "\n"); !holds(lines, "/closed/", "/unlisted/", "/static/") {
		t.Errorf("%s", s.stderrText())
	}
	s.stop()

	// One that an app declares, and that is no folder.
	dir := project(t, map[string]string{"wsgi.py": flaskHead + "app = Flask(__name__)\n", "static": "a file"})
	s = start(t, opts{Dir: dir, Python: python(t), Args: []string{"-w", "1"}})
	if r := s.waitEvent("static_folder"); r.str("dir") != filepath.Join(dir, "static") {
		t.Errorf("%v", r)
	}
}
