package integration

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// plainApp answers with its path, and waits for a gate at /gate?PATH.
const plainApp = `import os, time
def app(environ, start_response):
    while environ["PATH_INFO"].endswith("/gate") and not os.path.exists(environ["QUERY_STRING"]):
        time.sleep(0.01)
    body = ("app %s %s|%s" % (environ["REQUEST_METHOD"], environ["SCRIPT_NAME"], environ["PATH_INFO"])).encode("latin-1")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body]
`

// With all workers held, files are answered all the same: no order among them and the workers.
func TestStaticNeverAsksPython(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": plainApp, "media/a.css": "body{}", "media/big.bin": strings.Repeat("x", 200<<10)})
	s := start(t, opts{Dir: dir, Args: []string{"-w", "2", "--static", "/media=media", "--timeout", "10m", "--queue-timeout", "10m"}})
	g := newGate(t)
	waiting := []*async{s.background("/gate?" + g.path), s.background("/gate?" + g.path), s.background("/gate?" + g.path)}
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	for i := range 1000 {
		path, size := "/media/a.css", 6
		if i%10 == 9 {
			path, size = "/media/big.bin", 200<<10
		}
		resp, err := tr.RoundTrip(s.request("GET", path, nil))
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != 200 || int(n) != size {
			t.Fatalf("%s: %d, %d bytes, %v", path, resp.StatusCode, n, err)
		}
	}
	for _, h := range waiting {
		if !h.running() {
			t.Error("a held request was answered before the gate opened")
		}
	}
	g.open(t)
	for _, h := range waiting {
		if r := h.wait(t); r.Status != 200 {
			t.Errorf("%d", r.Status)
		}
	}
	s.waitAccess(`"GET /media/a.css HTTP/1.1" 200 6 .* worker=- source=static`)
}

func TestStaticPlaces(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{
		"shop/app.py": plainApp, "shop/media/m.txt": "shop media", "shop/public/index.html": "home", "shop/public/app.py": "secret",
		"shop/public/about/index.html": "about", "blog/app.py": plainApp, "blog/files/b.txt": "blog file", "www/only.txt": "www", "www/index.html": "www home",
		"all/robots.txt": "robots",
		"standpipe.toml": `
[[static]]
url = "/"
dir = "www"
hosts = ["files.test"]
missing = "404"
index = ["index.html"]

[[static]]
url = "/meta"
dir = "all"

[[app]]
name = "shop"
dir = "shop"
[[app.static]]
url = "/media"
dir = "media"
[[app.static]]
url = "/"
dir = "public"
index = ["index.html"]

[[app]]
name = "blog"
dir = "blog"
mount = "/blog"
workers = 1
[[app.static]]
url = "/files/"
dir = "files"
missing = "app"
cache_control = { "*.txt" = "1h" }
`})
	s := start(t, opts{Dir: dir, Apps: 2, Args: []string{"-w", "1"}})
	for _, c := range []struct {
		method, path, host string
		status             int
		body               string
	}{
		{"GET", "/media/m.txt", "x", 200, "shop media"},
		{"GET", "/media/none", "x", 404, ""},
		{"POST", "/media/m.txt", "x", 405, ""},
		{"GET", "/", "x", 200, "home"},
		{"GET", "/about/", "x", 200, "about"},
		{"GET", "/about", "x", 301, ""},
		{"GET", "/app.py", "x", 200, "app GET |/app.py"}, // the source is not served: file, else app
		{"GET", "/cart", "x", 200, "app GET |/cart"},
		{"POST", "/", "x", 200, "app POST |/"},
		{"GET", "/blog/files/b.txt", "x", 200, "blog file"},
		{"GET", "/blog/files/none", "x", 200, "app GET /blog|/files/none"},
		{"PUT", "/blog/files/b.txt", "x", 200, "app PUT /blog|/files/b.txt"},
		{"GET", "/files/b.txt", "x", 200, "app GET |/files/b.txt"},
		{"GET", "/meta/robots.txt", "x", 200, "robots"},
		{"GET", "/meta/robots.txt", "files.test", 404, ""}, // the host's own folder takes everything
		{"GET", "/only.txt", "files.test:80", 200, "www"},
		{"GET", "/only.txt", "x", 200, "app GET |/only.txt"},
		{"GET", "/", "FILES.test", 200, "www home"},
		{"GET", "/cart", "files.test", 404, ""},
		{"GET", "/media/../app.py", "x", 200, "app GET |/app.py"}, // another path, and none of the folder's
		{"GET", "/media/..%2fapp.py", "x", 400, ""},
	} {
		raw := s.raw(fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", c.method, c.path, c.host))
		resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(raw)), nil)
		if err != nil {
			t.Fatalf("%s: %v in %q", c.path, err, raw)
		}
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != c.status || c.status == 200 && string(body) != c.body {
			t.Errorf("%s %s at %s: %d %.80q, want %d %q", c.method, c.path, c.host, resp.StatusCode, body, c.status, c.body)
		}
	}
	if r := s.get("/blog/files/b.txt"); r.Header.Get("Cache-Control") != "public, max-age=3600" || r.Header.Get("Expires") == "" {
		t.Errorf("%v", r.Header)
	}
}

// A deployment that points a link elsewhere: the pages of both releases find what they name, and no reload shows nothing.
func TestStaticOverDeployments(t *testing.T) {
	t.Parallel()
	files := map[string]string{"standpipe.toml": "[[app]]\nname = \"site\"\ndir = \"current\"\nworkers = 1\n[[app.static]]\nurl = \"/s\"\ndir = \"static\"\n"}
	for _, release := range []string{"1", "2", "3"} {
		files["r"+release+"/app.py"] = hello("release " + release)
		files["r"+release+"/static/app."+release+".css"] = "css " + release
		files["r"+release+"/static/same.css"] = "same " + release
	}
	dir := project(t, files)
	link := filepath.Join(dir, "current")
	point := func(to string) {
		t.Helper()
		if err := os.Symlink(to, link+".new"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(link+".new", link); err != nil {
			t.Fatal(err)
		}
	}
	point("r1")
	s := start(t, opts{Dir: dir, Args: []string{"--control", filepath.Join(dir, "control.sock")}})
	expect := func(want map[string]string) {
		t.Helper()
		for path, body := range want {
			r := s.get(path)
			if got := r.Body; r.Status == 200 && got != body || r.Status == 404 && body != "404" || r.Status != 200 && r.Status != 404 {
				t.Errorf("%s: %d %q, want %q", path, r.Status, got, body)
			}
			if r.Status == 404 && r.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: a 404 that may be kept: %q", path, r.Header.Get("Cache-Control"))
			}
		}
	}
	expect(map[string]string{"/": "release 1", "/s/app.1.css": "css 1", "/s/app.2.css": "404", "/s/same.css": "same 1"})
	reload := func() {
		t.Helper()
		if r := run(t, dir, nil, "reload", "--control", filepath.Join(dir, "control.sock")); r.code != 0 {
			t.Fatalf("reload: %d\n%s%s", r.code, r.out, r.errout)
		}
	}
	point("r2")
	expect(map[string]string{"/": "release 1", "/s/app.1.css": "css 1", "/s/app.2.css": "404"})
	reload()
	expect(map[string]string{"/": "release 2", "/s/app.1.css": "css 1", "/s/app.2.css": "css 2", "/s/same.css": "same 2"})
	// A release that does not boot changes nothing.
	write(t, dir, map[string]string{"r3/app.py": "import nothing_of_that_name\n"})
	point("r3")
	if r := run(t, dir, nil, "reload", "--control", filepath.Join(dir, "control.sock")); r.code == 0 {
		t.Error("the reload of a broken release succeeded")
	}
	expect(map[string]string{"/": "release 2", "/s/app.2.css": "css 2", "/s/app.3.css": "404", "/s/same.css": "same 2"})
}

// What the app itself answers is compressed when that is asked for, and only then.
func TestCompressedAnswers(t *testing.T) {
	t.Parallel()
	app := `def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/html"), ("etag", '"v1"')])
    return [b"some text " * 1000]
`
	dir := project(t, map[string]string{"on/app.py": app, "off/app.py": app})
	s := start(t, opts{Dir: dir, Args: []string{"--app", "name=on,dir=on,workers=1,compress=on", "--app", "name=off,dir=off,mount=/off,workers=1"}})
	r := s.want(200, "/", "Accept-Encoding: gzip")
	z, err := gzip.NewReader(strings.NewReader(r.Body))
	if err != nil {
		t.Fatalf("%v: %v", err, r.Header)
	}
	if plain, err := io.ReadAll(z); err != nil || string(plain) != strings.Repeat("some text ", 1000) {
		t.Errorf("%v, %d bytes", err, len(plain))
	}
	if r.Header.Get("Vary") != "Accept-Encoding" || r.Header.Get("Etag") != `W/"v1"` {
		t.Errorf("%v", r.Header)
	}
	s.waitAccess(fmt.Sprintf(`"GET / HTTP/1.1" 200 %d `, len(r.Body)))
	if r := s.want(200, "/off", "Accept-Encoding: gzip"); r.Header.Get("Content-Encoding") != "" || len(r.Body) != 10000 || r.Header.Get("Etag") != `"v1"` {
		t.Errorf("%v", r.Header)
	}
}

// fakeFlask is as much of Flask as is looked at: the real one may lie where other users cannot go.
const fakeFlask = `
class Rule:
    host, subdomain, endpoint, rule = "", "", "static", "/static/<path:filename>"
class Blueprint: pass
class Flask:
    def __init__(self, folder):
        self.static_folder = folder
        self.url_map = self
        self.blueprints, self.before_request_funcs, self.url_value_preprocessors = {}, {}, {}
        self.view_functions = {"static": self.send_static_file}
    def iter_rules(self): return [Rule()]
    def send_static_file(self): pass
    full_dispatch_request = preprocess_request = dispatch_request = send_static_file
    def wsgi_app(self, environ, start_response):
        start_response("404 Not Found", [])
        return [b"the app says no"]
    def __call__(self, environ, start_response): return self.wsgi_app(environ, start_response)
`

// An app that runs as somebody else cannot have the server read for it what is not its own.
func TestStaticOfAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		skip(t, "root", "an app with a user of its own needs root")
	}
	// As much of Flask as is looked at: the one with the frameworks may lie where others cannot go.
	flask := func(folder string) string { return fmt.Sprintf("import flask\napp = flask.Flask(%q)\n", folder) }
	dir := project(t, map[string]string{"theirs/x.txt": "theirs", "mine/x.txt": "mine", "mine/y.txt": "mine"})
	if err := os.Chmod(filepath.Join(dir, "theirs"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(dir, "mine"), 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "theirs/x.txt"), filepath.Join(dir, "mine/link.txt")); err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"lib/flask/__init__.py": fakeFlask})
	write(t, dir, map[string]string{"bad/app.py": flask(filepath.Join(dir, "theirs")), "good/app.py": flask(filepath.Join(dir, "mine"))})
	s := start(t, opts{Dir: dir, Python: systemPython(t), Args: []string{
		"--app", "name=good,dir=good,workers=1,user=65534,group=65534,follow_symlinks=on,pythonpath=../lib", "--app", "name=bad,dir=bad,mount=/bad,workers=1,user=65534,group=65534,static=force,pythonpath=../lib"}})
	if r := s.get("/static/x.txt"); r.Status != 200 || r.Body != "mine" {
		t.Errorf("its own: %d %q", r.Status, r.Body)
	}
	s.waitAccess(`"GET /static/x.txt HTTP/1.1" 200 .*source=static`)
	for _, path := range []string{"/bad/static/x.txt", "/static/link.txt"} {
		if r := s.get(path); strings.Contains(r.Body, "theirs") {
			t.Errorf("%s: the server has read it for the app", path)
		}
	}
	s.waitLog(func(r record) bool {
		return r.event() == "static" && r.str("app") == "bad" && holds(r.str("refused"), "/bad/static/")
	}, "static refused for bad")
}
