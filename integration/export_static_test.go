package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// webServers are those that the exported files are for.
var webServers = map[string]func(testing.TB, string, string) *neighbour{"nginx": nginx, "apache": apache}

// The exported files refuse what standpipe refuses of the folders that they serve, and keep what the settings say of
// these: the URL's spelling, index, precompressed, cache_control.
func TestFault_C6_ExportedFilesRefuseTheSame(t *testing.T) {
	t.Parallel()
	css := strings.Repeat("a {}\n", 100)
	dir := project(t, map[string]string{
		"app.py": hello("app"), "secret.txt": "SECRET", "outside/in.txt": "SECRET",
		"files/a.css": css, "files/.env": "SECRET", "files/.git/config": "SECRET", "files/sub/.htpasswd": "SECRET", "files/sub/..x/a.txt": "SECRET",
		"files/.well-known/ok.txt": "well known", "files/.well-known/.secret": "SECRET", "files/sub/.well-known/a.txt": "SECRET",
		"files/sub/index.html": "the index", "files/doc.pdf": "pdf", "files/img/x.png": "png", "files/img/deep/y.png": "png", "files/[x] y.txt": "odd",
		"plain/index.html": "not asked for", "plain/b.txt": "b", "open/c.txt": "c",
		"standpipe.toml": `bind = "127.0.0.1:0"
[[app]]
module = "app:app"
workers = 1
[[app.static]]
url = "/files/"
dir = "files"
index = ["index.html"]
cache_control = { "*.pdf" = "private, no-cache", "/img/*" = "1h", "text/*" = "public, max-age=7" }
[[app.static]]
url = "/plain"
dir = "plain"
precompressed = false
[[app.static]]
url = "/open/"
dir = "open"
follow_symlinks = true
`})
	write(t, dir, map[string]string{"files/a.css.gz": "zipped"}) // a sibling is not older
	for link, to := range map[string]string{"files/out.txt": filepath.Join(dir, "secret.txt"), "files/rel.txt": "../secret.txt", "files/outdir": "../outside", "files/absdir": filepath.Join(dir, "outside"), "plain/out.txt": "../secret.txt",
		"files/sub/up": "../..", "open/d.txt": "../plain/b.txt"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, opts{Dir: dir, Args: []string{"-c", "standpipe.toml"}})
	refused := []string{"/files/.env", "/files/.git/config", "/files/.git/", "/files/sub/.htpasswd", "/files/sub/..x/a.txt", "/files/.well-known/.secret", "/files/sub/.well-known/a.txt", "/files/%2eenv", "/files/%2Egit/config",
		"/files/out.txt", "/files/rel.txt", "/files/outdir/in.txt", "/files/absdir/in.txt", "/files/sub/up/secret.txt", "/plain/out.txt", "/plain/", "/files/../secret.txt", "/files/img/", "/files//.env", "/files/..%2fsecret.txt", "/files/sub%2f.htpasswd"}
	served := []struct{ path, accept, body, cache string }{
		{"/files/a.css", "", css, "public, max-age=7"},
		{"/files/a.css", "br;q=0, gzip", "zipped", "public, max-age=7"},
		{"/files/a.css", "gzip;q=0", css, "public, max-age=7"},
		{"/files/.well-known/ok.txt", "", "well known", "public, max-age=7"},
		{"/files/sub/", "", "the index", "public, max-age=7"},
		{"/files/doc.pdf", "", "pdf", "private, no-cache"},
		{"/files/img/x.png", "", "png", "public, max-age=3600"},
		{"/files/img/deep/y.png", "", "png", "public, max-age=3600"},
		{"/files/%5Bx%5D%20y.txt", "", "odd", "public, max-age=7"},
		{"/plain/b.txt", "", "b", "no-cache"},
		{"/plain/index.html", "", "not asked for", "no-cache"},
		{"/open/d.txt", "", "b", "no-cache"},
	}
	check := func(t *testing.T, f *server, direct bool) {
		for _, path := range refused {
			answer := f.raw("GET " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
			if strings.Contains(answer, "SECRET") || statusIn(answer) == 200 && !strings.HasSuffix(answer, "\r\n\r\napp") || statusIn(answer) >= 500 {
				t.Errorf("%s: %.300q", path, answer)
			}
		}
		for _, c := range served {
			fields := []string{}
			if c.accept != "" {
				fields = append(fields, "Accept-Encoding: "+c.accept)
			}
			r := f.get(c.path, fields...)
			if r.Status != 200 || r.Body != c.body || r.Header.Get("Cache-Control") != c.cache || r.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s (%s): %d %q %q %v", c.path, c.accept, r.Status, r.Body, r.Header.Get("Cache-Control"), r.Header)
			}
			if zipped := c.body == "zipped"; zipped != (r.Header.Get("Content-Encoding") == "gzip") || strings.HasSuffix(c.path, ".css") && !strings.HasPrefix(r.Header.Get("Content-Type"), "text/css") {
				t.Errorf("%s (%s): %v", c.path, c.accept, r.Header)
			}
		}
		if r := f.do(f.request("POST", "/plain/b.txt", strings.NewReader("x"))); r.Status != 405 {
			t.Errorf("POST: %d", r.Status)
		}
		if !direct {
			f.want(200, "/settled?"+f.Addr)
			f.waitAccess(`"GET /settled\?` + f.Addr)
			for _, line := range f.access() {
				if strings.Contains(line, `"GET /files/a.css`) {
					t.Errorf("standpipe was asked: %s", line)
				}
			}
		}
	}
	for kind, run := range webServers {
		t.Run(kind, func(t *testing.T) {
			listen := "127.0.0.1:" + freePort(t)
			site := exported(t, kind, "-c", filepath.Join(dir, "standpipe.toml"), "--listen", listen, "--connect", s.Addr)
			if kind == "nginx" { // whose default_type would be for all
				site = "include /etc/nginx/mime.types;\n" + site
			}
			check(t, s.with(t).through(run(t, listen, site)), false)
		})
	}
	t.Run("standpipe", func(t *testing.T) { check(t, s.with(t), true) })
}

// What standpipe takes and gives passes the exported files: long Set-Cookie fields, a long Cookie, an encoded slash.
func TestFault_C6_ExportedBuffers(t *testing.T) {
	t.Parallel()
	app := `def app(environ, start_response):
    body = ("%s %d" % (environ["PATH_INFO"], len(environ.get("HTTP_COOKIE", "")))).encode("latin-1")
    fields = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
    fields += [("Set-Cookie", "c%d=%s" % (i, "x" * 4000)) for i in range(2 if "cookies" in environ["PATH_INFO"] else 0)]
    start_response("200 OK", fields)
    return [body]
`
	s := start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": app}), Listen: []string{"127.0.0.1:0", "uwsgi://127.0.0.1:0"}, Args: []string{"-w", "1"}})
	uwsgiAddr, _ := s.uwsgiAddresses()
	for kind, run := range webServers {
		for _, connect := range []string{s.Addr, "uwsgi://" + uwsgiAddr} {
			t.Run(kind+" "+connect[:4], func(t *testing.T) {
				listen := "127.0.0.1:" + freePort(t)
				f := s.with(t).through(run(t, listen, exported(t, kind, "--listen", listen, "--connect", connect)))
				if r := f.get("/cookies"); r.Status != 200 || len(r.Header["Set-Cookie"]) != 2 {
					t.Errorf("8 KB of Set-Cookie: %d %d", r.Status, len(r.Header["Set-Cookie"]))
				}
				if r := f.get("/", "Cookie: a="+strings.Repeat("x", 20000)); r.Status != 200 || r.Body != "/ 20002" {
					t.Errorf("20 KB of Cookie: %d %.100q", r.Status, r.Body)
				}
				if r := f.get("/" + strings.Repeat("p", 12000)); r.Status != 200 {
					t.Errorf("a long path: %d", r.Status)
				}
			})
		}
	}
}

// An encoded slash is a slash behind Apache as it is without it.
func TestFault_D15_ApacheEncodedSlash(t *testing.T) {
	t.Parallel()
	app := `def app(environ, start_response):
    body = environ["PATH_INFO"].encode("latin-1")
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
`
	s := start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": app}), Listen: []string{"127.0.0.1:0", "uwsgi://127.0.0.1:0"}, Args: []string{"-w", "1"}})
	uwsgiAddr, _ := s.uwsgiAddresses()
	for _, connect := range []string{s.Addr, "uwsgi://" + uwsgiAddr} {
		listen := "127.0.0.1:" + freePort(t)
		f := s.with(t).through(apache(t, listen, exported(t, "apache", "--listen", listen, "--connect", connect)))
		for target, want := range map[string]string{"/a%2Fb": "/a/b", "/a%2fb/c%20d": "/a/b/c d", "/%2Fx/y": "/x/y", "/a%252Fb": "/a%2Fb", "/x%2F": "/x/"} {
			answer := f.raw(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", target))
			_, body, _ := strings.Cut(answer, "\r\n\r\n")
			if connect == s.Addr && target == "/%2Fx/y" {
				want = "//x/y" // as it came; over uwsgi Apache merges slashes
			}
			if statusIn(answer) != 200 || body != want {
				t.Errorf("%s %s: %d %q, want %q", connect, target, statusIn(answer), body, want)
			}
		}
	}
}

// The exported unit lets standpipe write where the settings have it write: ProtectSystem=strict makes all else read-only.
func TestFault_C6_ExportedUnitWritesItsLogs(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": hello("x"), "log/keep": "", "log two/keep": "", "spool/keep": "", "ctl/keep": ""})
	r := run(t, dir, nil, "export", "systemd", "app:app", "--unit", "service", "--access-log", "log/access.log", "--error-log", "log two/error.log", "--spool-dir", "spool", "--control", "ctl/c.sock")
	if r.code != 0 {
		t.Fatalf("%d %s", r.code, r.errout)
	}
	for _, want := range []string{"ReadWritePaths=" + dir + "/log", `ReadWritePaths="` + dir + `/log two"`, "ReadWritePaths=" + dir + "/spool", "ReadWritePaths=" + dir + "/ctl"} {
		if !strings.Contains("\n"+r.out, "\n"+want+"\n") {
			t.Errorf("no %s in\n%s", want, r.out)
		}
	}
}

// A folder whose answers the exported file cannot give stays with standpipe, and so does a folder around it.
func TestFault_C6_ExportedFilesLeaveWhatTheyCannotSay(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{
		"app.py": hello("app"), "cors/a.css": "a {}", "latin/b.txt": "b", "typed/c.odd": "c", "around/d.txt": "wrong", "within/d.txt": "d", "plain/e.txt": "e", "plain/run.php": "<?php echo 'x';", "plain/t.shtml": "<!--#echo -->",
		"standpipe.toml": `bind = "127.0.0.1:0"
[[app]]
module = "app:app"
workers = 1
[[app.static]]
url = "/cors"
dir = "cors"
headers = { "Access-Control-Allow-Origin" = "*" }
[[app.static]]
url = "/latin"
dir = "latin"
charset = "iso-8859-1"
[[app.static]]
url = "/typed"
dir = "typed"
types = { ".odd" = "application/odd" }
[[app.static]]
url = "/around"
dir = "around"
[[app.static]]
url = "/around/within"
dir = "within"
missing = "app"
[[app.static]]
url = "/plain"
dir = "plain"
charset = "none"
`})
	s := start(t, opts{Dir: dir, Args: []string{"-c", "standpipe.toml"}})
	check := func(t *testing.T, f *server) {
		for path, want := range map[string][3]string{
			"/cors/a.css":          {"a {}", "Access-Control-Allow-Origin", "*"},
			"/latin/b.txt":         {"b", "Content-Type", "text/plain; charset=iso-8859-1"},
			"/typed/c.odd":         {"c", "Content-Type", "application/odd"},
			"/around/within/d.txt": {"d", "X-Content-Type-Options", "nosniff"},
			"/around/within/none":  {"app", "Content-Type", "text/plain"},
			"/plain/e.txt":         {"e", "Content-Type", "text/plain"},
			"/plain/run.php":       {"<?php echo 'x';", "X-Content-Type-Options", "nosniff"},
			"/plain/t.shtml":       {"<!--#echo -->", "X-Content-Type-Options", "nosniff"},
		} {
			if r := f.want(200, path); r.Body != want[0] || r.Header.Get(want[1]) != want[2] {
				t.Errorf("%s: %q, %v", path, r.Body, r.Header)
			}
		}
		if r := f.do(f.request("OPTIONS", "/cors/a.css", nil, "Origin: http://other", "Access-Control-Request-Method: GET")); r.Status != 204 {
			t.Errorf("preflight: %d", r.Status)
		}
	}
	for kind, run := range webServers {
		t.Run(kind, func(t *testing.T) {
			listen := "127.0.0.1:" + freePort(t)
			site := exported(t, kind, "-c", filepath.Join(dir, "standpipe.toml"), "--listen", listen, "--connect", s.Addr)
			if kind == "nginx" {
				site = "include /etc/nginx/mime.types;\n" + site
			}
			check(t, s.with(t).through(run(t, listen, site)))
		})
	}
	t.Run("standpipe", func(t *testing.T) { check(t, s.with(t)) })
}
